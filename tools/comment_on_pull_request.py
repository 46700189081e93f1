"""Say on a pull request what a comparison found: the last step of action.yml.

    python tools/comment_on_pull_request.py COMPARISON.json COMPARISON.md

There is at most one comment for each $NAME, found again by a hidden mark. It is written
when something changed, edited in place from then on, and left alone where it says the
same already. Where the token may not write, as in pull requests from forks, the summary
of the job has to do. Nothing that goes wrong here fails the job: the gate decides.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

CHANGES = ("regressed", "improved", "not-comparable")
PER_PAGE = 100
TIMEOUT_S = 30
MAY_NOT_WRITE = (401, 403, 404)


def main(arguments: Sequence[str], variables: Mapping[str, str] = os.environ) -> str:
    """Comment if there is a reason to; what was done, in words."""
    comparison, text = (Path(name).read_text("utf-8") for name in arguments)
    token = variables.get("GITHUB_TOKEN", "")
    if not token:
        return "no comment: the job has no token"
    issues = Issues(
        f"{variables['GITHUB_API_URL']}/repos/{variables['GITHUB_REPOSITORY']}/issues",
        token,
    )
    try:
        return say(
            issues,
            variables["PULL_REQUEST"],
            mark(variables["NAME"]),
            f"{text}\n{link(variables)}",
            changed=bool(changes(json.loads(comparison))),
        )
    except HTTPError as error:
        if error.code in MAY_NOT_WRITE:
            return f"no comment: the token may not write one here (HTTP {error.code})"
        return f"::warning::no comment: HTTP {error.code} {error.reason}"
    except (URLError, OSError, ValueError) as error:
        return f"::warning::no comment: {error}"


def changes(comparison: Mapping[str, Any]) -> int:
    """How many cells changed, for the better or the worse."""
    return sum(comparison["counts"].get(kind, 0) for kind in CHANGES)


def mark(name: str) -> str:
    """What the comment of this name begins with, unseen by readers."""
    plain = re.sub(r"[^\w.]+", "-", name)
    return f"<!-- pgdyno: {plain} -->"


def link(variables: Mapping[str, str]) -> str:
    """Where the report is."""
    run = "{GITHUB_SERVER_URL}/{GITHUB_REPOSITORY}/actions/runs/{GITHUB_RUN_ID}"
    return f"[Run and report]({run.format_map(variables)})"


def say(issues: Issues, number: str, mark: str, text: str, *, changed: bool) -> str:
    """Write or edit the comment of a mark; what was done."""
    body = f"{mark}\n{text}"
    known = next(
        (comment for comment in issues.comments(number) if is_ours(comment, mark)), None
    )
    if known is None and not changed:
        return "no comment: nothing changed"
    if known is None:
        issues.ask("POST", f"{number}/comments", {"body": body})
        return "commented"
    if without_link(known["body"]) == without_link(body):
        return "the comment says so already"
    issues.ask("PATCH", f"comments/{known['id']}", {"body": body})
    return "edited the comment"


def is_ours(comment: Mapping[str, Any], mark: str) -> bool:
    """Whether a job wrote it: anybody can copy the mark into a comment of their own."""
    return comment["user"]["type"] == "Bot" and str(comment["body"]).startswith(mark)


def without_link(body: str) -> list[str]:
    """The words without the last line, which differs from run to run."""
    return body.rstrip().rpartition("\n")[0].split()


class Issues:
    """The issues of a repository, of which pull requests are a kind."""

    def __init__(self, url: str, token: str) -> None:
        self.url = url
        self.headers = {
            "Authorization": f"Bearer {token}",
            "Accept": "application/vnd.github+json",
            "X-GitHub-Api-Version": "2022-11-28",
        }

    def comments(self, number: str) -> Iterator[dict[str, Any]]:
        """All comments of a pull request, oldest first."""
        page = 1
        while found := self.ask(
            "GET", f"{number}/comments?per_page={PER_PAGE}&page={page}"
        ):
            yield from found
            page += 1

    def ask(self, method: str, path: str, content: Mapping[str, str] | None = None) -> Any:
        """What the forge answers; raises `HTTPError` if that is no success."""
        data = json.dumps(content).encode() if content else None
        asked = Request(f"{self.url}/{path}", data, self.headers, method=method)
        with urlopen(asked, timeout=TIMEOUT_S) as answer:
            return json.load(answer)


if __name__ == "__main__":
    print(main(sys.argv[1:]))
