"""axe-core over each part of the page; what gradio itself gets wrong is listed by selector."""

from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.web.conftest import OpenPage, ask, at_rest

pytestmark = pytest.mark.browser

SERIOUS = {"serious", "critical"}
QUESTION = "GRU-Mem 的推理速度提升了多少？"

# Faults in gradio 6.31's own markup, by axe's rule, and where they are.
GRADIOS_OWN: dict[str, tuple[str, ...]] = {
    # the head of the steps: a button, with an arrow within it that is a button without a name
    "button-name": ('button[aria-label=""]',),
    "nested-interactive": ("'.title'",),
}


def answered(page: Page) -> None:
    ask(page, QUESTION)
    page.locator("#chat a.marker").first.click()
    expect(page.locator("#sources mark").first).to_be_visible()


def tab(number: int, filled: str) -> Callable[[Page], None]:
    def opened(page: Page) -> None:
        page.get_by_role("tab").nth(number).click()
        expect(page.locator(filled).first).to_be_visible()

    return opened


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize(
    "show",
    [
        answered,
        tab(1, "#compare-papers"),
        tab(2, "#browse-results a"),
        tab(3, "#reports table"),
        tab(4, "#evals"),
    ],
    ids=["chat", "compare", "browse", "reports", "evals"],
)
def test_axe_finds_nothing_serious_but_gradios_own(
    open_page: OpenPage, show: Callable[[Page], None], dark: bool
) -> None:
    with open_page(dark=dark) as page:
        show(page)
        found = Axe().run(at_rest(page)).response["violations"]
        ours = [
            f"{violation['id']}: {node['target']} {node['html'][:160]}"
            for violation in found
            if violation["impact"] in SERIOUS
            for node in violation["nodes"]
            if not any(
                known in str(node["target"]) + node["html"]
                for known in GRADIOS_OWN.get(violation["id"], ())
            )
        ]
        assert not ours, "\n".join(ours)
