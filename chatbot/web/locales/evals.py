"""The texts of the evals tab."""

from dataclasses import dataclass

from chatbot.understanding.models import Language


@dataclass(frozen=True, slots=True)
class EvalsWording:
    """One language's texts; ``{…}`` is filled in where a text is shown."""

    about: str
    run: str
    refresh: str
    download: str
    report: str
    no_run: str
    failed: str


TEXTS: dict[Language, EvalsWording] = {
    "zh": EvalsWording(
        about="## 回答得有多好\n\n`chatbot eval` 的结果，区间为 95 %；报告是英文的。",
        run="评测",
        refresh="刷新",
        download="下载报告",
        report="评测报告 {run}",
        no_run=(
            "还没有评测结果。请在终端运行 <code>chatbot eval</code>（无需密钥，约半分钟），"
            "再点“刷新”。"
        ),
        failed=(
            "这次评测没有能看的报告（{error}）。请在终端运行 <code>chatbot e"
            "val --run {run} --stage report</code>，重新生成。"
        ),
    ),
    "en": EvalsWording(
        about=("## How good the answers are\n\nWhat `chatbot eval` measured, with 95 % intervals."),
        run="Run",
        refresh="Refresh",
        download="Download the report",
        report="Eval report {run}",
        no_run=(
            "No eval run yet. Run <code>chatbot eval</code> in a terminal"
            " (no key needed, about half a minute), then press “Refresh”."
        ),
        failed=(
            "This run has no report to show: {error}. Write it anew w"
            "ith <code>chatbot eval --run {run} --stage report</code>."
        ),
    ),
}
