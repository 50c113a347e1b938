"""Small reports whose answers are known."""

from pathlib import Path

from tests.report_text import paper, render_report

STEADY = "量子纠错的准确率是 97%。"
QUESTION = "量子纠错的准确率是多少？"


def steady(folder: Path) -> Path:
    """A folder with a report that never changes."""
    folder.mkdir()
    papers = [
        paper("2603.00001", "QNet: 量子纠错", results=STEADY),
        paper(
            "2603.00002", "FoldNet: 蛋白质折叠（Protein Folding）", results="折叠误差降到 3 埃。"
        ),
    ]
    (folder / "a.txt").write_bytes(render_report("2026-03-01", papers))
    return folder


TOPICS = ("天气预报", "地震预报")


def write_version(folder: Path, topic: str) -> Path:
    """The folder with its other report, which is about one of `TOPICS` at a time."""
    text = paper("2603.00003", topic, results=f"{topic}的误差是 5 度。")
    (folder / "b.txt").write_bytes(render_report("2026-03-02", [text]))
    return folder
