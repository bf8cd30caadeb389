# Shared by the scripts here; sourced, never run.

# What is being done, on standard error so that functions can still print a result.
say() { printf '%s ci: %s\n' "$(date -u +%H:%M:%S)" "$*" >&2; }

# retry TIMES COMMAND…: the first success ends it; between tries it waits a little longer each time.
retry() {
    local times=$1 try
    shift
    for ((try = 1; ; try++)); do
        "$@" && return 0
        ((try < times)) || { say "failed $times times: $*"; return 1; }
        say "failed, trying again in $((try * 5)) s: $*"
        sleep $((try * 5))
    done
}

# The Debian mirror that this machine's own apt uses, whatever it is.
debian_mirror() {
    local mirror
    # shellcheck disable=SC2016  # apt fills these names in, not the shell
    mirror=$(apt-get indextargets --format '$(ORIGIN) $(LABEL) $(REPO_URI)' 'Created-By: Packages' |
        awk '$1 == "Debian" && $2 == "Debian" { print $3; exit }')
    [[ -n $mirror ]] || { say "apt has no Debian archive configured"; return 1; }
    printf '%s\n' "$mirror"
}
