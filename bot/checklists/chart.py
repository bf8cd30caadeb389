"""The share of items done, posting by posting, as a picture."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Sequence

from bot.checklists.model import Run, run_share
from bot.slack.message import Upload

# 16:9 at 1,280 × 720; with these sizes the labels can still be read when it is 360 wide.
INCHES, DPI, POINTS = (6.4, 3.6), 200, 13
# Okabe and Ito's blue: told apart from grey by everyone.
COLOUR = "#0072B2"


async def completion_chart(title: str, runs: Sequence[Run], days: Sequence[str]) -> Upload:
    """A bar per run, oldest first; `days` are their labels. Drawn in a thread."""
    shares = [round(100 * (run_share(run) or 0)) for run in runs]
    # Matplotlib takes half a second to import, and is needed for nothing else here.
    picture = await asyncio.to_thread(_draw, title, shares, days)
    finding = (
        f"Share of items done in the last {len(runs)} postings of {title}:"
        f" {shares[-1]} % in the latest, between {min(shares)} % and {max(shares)} % in all."
    )
    return Upload("completion.png", picture, f"{title}: items done", finding)


def _draw(title: str, shares: Sequence[int], days: Sequence[str]) -> bytes:
    from matplotlib.figure import Figure

    figure = Figure(figsize=INCHES, dpi=DPI, layout="constrained")
    axes = figure.add_subplot()
    positions = range(len(shares))
    axes.bar(positions, shares, color=COLOUR, width=0.7)
    axes.set_ylim(0, 100)
    axes.set_yticks([0, 50, 100])
    axes.set_ylabel("items done, %", fontsize=POINTS)
    axes.set_title(title if len(title) <= 40 else f"{title[:39]}…", fontsize=POINTS + 1)
    # Four labels at most fit side by side; the latest always bears one.
    step = -(-len(days) // 4)
    labelled = [n for n in positions if (len(days) - 1 - n) % step == 0]
    axes.set_xticks(labelled, [days[n] for n in labelled])
    axes.tick_params(labelsize=POINTS)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", color="#cccccc", linewidth=0.8)
    axes.set_axisbelow(True)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    return buffer.getvalue()
