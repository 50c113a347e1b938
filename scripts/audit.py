"""`make audit`: what is known against the locked packages, their licences, and what is unused.

Exit status: 0 nothing found, 1 something found, 3 nothing found but the known weaknesses could not
be looked up.
"""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageMetadata, PackageNotFoundError, metadata
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCK = ROOT / "requirements.lock"
FOUND, NOT_LOOKED_UP = 1, 3
_LOCKED = re.compile(r"^([A-Za-z0-9._-]+)==", re.MULTILINE)
_FREE = re.compile(
    r"(?i)\b(MIT|0?BSD|Apache|ISC|PSF|Python Software Foundation|Unlicense|Zlib|HPND|CC0|BlueOak)"
)
_BINDING = re.compile(r"(?i)\b(A?GPL|LGPL|GNU|MPL|Mozilla|EPL|EUPL|CDDL|SSPL|BUSL)")
# Looked at by a person: what binds only changes to the package's own files, or only its tests.
_ACCEPTED = {
    "axe-playwright-python": "MPL-2.0 for axe-core; development only",
    "certifi": "MPL-2.0: a list of certificates, used as it is",
    "hypothesis": "MPL-2.0; development only",
    "orjson": "MPL-2.0 for one file of it, used as it is",
    "pathspec": "MPL-2.0; development only, used as it is",
    "psycopg": "LGPL-3.0: imported as a library, used as it is",
    "psycopg-binary": "LGPL-3.0: imported as a library, used as it is",
    "tqdm": "MPL-2.0 and MIT, used as it is",
}


@dataclass(frozen=True, slots=True)
class Licence:
    """What a locked package's metadata says of its licence."""

    package: str
    text: str

    @property
    def verdict(self) -> str:
        """Why it may stay, or what is the matter with it, in capitals."""
        if self.package in _ACCEPTED:
            return _ACCEPTED[self.package]
        if _BINDING.search(self.text):
            return "COPYLEFT"
        return "" if _FREE.search(self.text) else "UNKNOWN"


def main() -> int:
    """Look at all of it; the exit status."""
    looked_up, weak = weaknesses()
    bad = [licence for licence in licences() if licence.verdict.isupper()]
    unused = subprocess.run([_tool("deptry"), "."], cwd=ROOT, check=False).returncode
    if weak or bad or unused:
        return FOUND
    return 0 if looked_up else NOT_LOOKED_UP


def weaknesses() -> tuple[bool, int]:
    """Print what is known against locked packages; whether it could be asked, and how many."""
    options = ["--disable-pip", "--require-hashes", "--progress-spinner", "off", "--format", "json"]
    done = subprocess.run(
        [_tool("pip-audit"), "--requirement", str(LOCK), *options],
        capture_output=True,
        text=True,
        check=False,
    )
    try:
        packages = json.loads(done.stdout)["dependencies"]
    except (ValueError, KeyError):
        cause = (done.stderr.strip().splitlines() or ["no answer"])[-1]
        print(f"known weaknesses: NOT LOOKED UP, the index cannot be asked ({cause[:120]})")
        return False, 0
    weak = [(package, known) for package in packages for known in package.get("vulns", ())]
    for package, known in weak:
        better = ", ".join(known["fix_versions"]) or "no version yet"
        print(f"{package['name']} {package['version']}: {known['id']}, mended in {better}")
    print(f"known weaknesses: {len(weak)} in {len(packages)} packages")
    return True, len(weak)


def licences() -> list[Licence]:
    """Print and return the licence of every locked package that is installed here."""
    names = _LOCKED.findall(LOCK.read_text(encoding="utf-8"))
    found = list(_licences(names))
    for licence in found:
        print(f"{licence.package:40} {licence.text[:40]:40} {licence.verdict}".rstrip())
    print(f"licences: {len(found)} of {len(names)} locked packages; the rest is for other systems")
    return found


def _licences(names: list[str]) -> Iterator[Licence]:
    for name in sorted(names):
        try:
            yield Licence(name, _licence(metadata(name)))
        except PackageNotFoundError:
            continue


def _licence(package: PackageMetadata) -> str:
    """The licence in one line: an expression, else classifiers, else what the author wrote."""
    classifiers = [
        line.rpartition(" :: ")[2]
        for line in package.get_all("Classifier") or ()
        if line.startswith("License :: ")
    ]
    expression = package.json.get("license_expression")
    written = str(package.json.get("license") or "").strip().partition("\n")[0]
    return str(expression or ", ".join(classifiers) or written or "not told")


def _tool(name: str) -> str:
    return str(Path(sys.executable).with_name(name))


if __name__ == "__main__":
    sys.exit(main())
