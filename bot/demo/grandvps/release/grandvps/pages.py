"""The pages that visitors see."""

from .headline import HEADLINE

HOME = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>GrandVPS</title>
<style>
body {{ font: 18px/1.5 system-ui, sans-serif; max-width: 36rem; margin: 4rem auto; padding: 0 1rem;
        color: #1d2733; }}
small {{ color: #5a6775; }}
</style>
<h1>GrandVPS</h1>
<p>{headline}</p>
<p><small>Release {version} · served {served} times since its start</small></p>
</html>
"""

MAINTENANCE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>GrandVPS · maintenance</title>
<h1>We are working on GrandVPS</h1>
<p>It is back in a few minutes. Your servers are running on.</p>
</html>
"""


def home(version: str, served: int) -> str:
    """The start page."""
    return HOME.format(headline=HEADLINE, version=version, served=served)
