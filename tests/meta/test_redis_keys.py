"""Every name in Redis is known here, and those that hold a tenant are erased with it (`accounts.services.traces`)."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

import pytest

from accounts.services.traces import KEYS_OF_TENANT, SETS_OF_TENANTS
from tests.environment import ROOT

#: Who speaks to Redis, or makes names for those who do.
SPEAKS = re.compile(r"tikdash\.redis|tikdash import redis|django\.core\.cache|tikdash\.tiklive")
#: The tenant of the examples, and another one.
NUMBER, OTHER = 7, 70
#: A name as the code has it, and what it looks like where it is of tenant 7.
OF_TENANT = {
    "tikdash:key-version:{tenant_id}": "tikdash:key-version:7",
    "credits:{of}:{self.begins}": "credits:7:20261127",
    "{name}:since": "credits:7:202611:since",
    "analytics:runs:1:{tenant_id}": "analytics:runs:1:7",
    "{key}:t:{tenant_id}": "tlk:shared:t:7",
    "tla:{scope}:{endpoint}:{blake2b(asked, digest_size=16).hexdigest()}": "tla:7:user-posts:0f0f",
    "{entry.name}:flight": "tla:7:user-posts:0f0f:flight",
}
#: Sorted sets in which tenants are members.
WITH_TENANTS = {
    "{key}:turns": "tlk:shared:turns",
    "{key}:waiting": "tlk:shared:waiting",
    "dispatch:waiting": "dispatch:waiting",
}
#: What holds no tenant, and why.
OF_NOBODY = {
    "handover:{nonce}": "a random number, for a minute",
    "key:{self.key_id}": "a part of the name of a key's credits, between the two colons",
    "analytics:peers:1": "percentiles over many tenants",
    "dispatch:last-tick": "a time",
    "jobs:ended": "counts by queue and outcome",
    "jobs:busy-ms": "times by queue",
    "dispatch:shared-creators": "creators that several tenants track, with no tenant",
    "{SHARED_CREATORS}:{uuid4().hex}": "the same, while it is counted",
    "tlk:{key_id}": "the bucket of a key, which goes within the hour",
    "{key}:flying": "leases of requests, which go within minutes",
    "tlb:upstream": "the breaker of the upstream",
    "tlb:open": "that a breaker is not closed",
    "billing:packs": "packs of the deployment, for some minutes",
    "ops:tile:{provider.code}": "figures of operators' front page, over all tenants, for some seconds",
    "ops:known:{provider.code}": "when such a figure was last known",
    "api:rate:{name}:{window}": "requests of a token or an address, for two minutes",
    "ops:batch:{run}": "how far an operator's run over many rows is: counts and up to twenty sentences, for a day",
    "ops:batch:{run}:rows": "the keys of these rows, for a day",
    "ops:retry:{run}": "how far an operator's run over dead jobs is: counts, for a while",
}
KNOWN = OF_TENANT | WITH_TENANTS | OF_NOBODY


def text_of(node: ast.AST) -> str:
    """A string as it is written, values in braces."""
    if isinstance(node, ast.JoinedStr):
        return "".join(
            str(part.value) if isinstance(part, ast.Constant) else "{" + ast.unparse(part.value) + "}"  # type: ignore[attr-defined]
            for part in node.values
        )
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def names_in(source: str) -> Iterator[str]:
    """Strings with colons inside that look like names: no space, no large letter."""
    tree = ast.parse(source)
    parts = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    for node in ast.walk(tree):
        text = "" if id(node) in parts else text_of(node)
        bare = re.sub(r"\{[^}]*\}", "x", text)
        if re.fullmatch(r"[a-z][a-z0-9_.-]*(:[a-z0-9_.-]+)+", bare):
            yield text


def names_of_the_code() -> dict[str, str]:
    found: dict[str, str] = {}
    for app in ("accounts", "billing", "snapshots", "tikdash"):
        for path in sorted((ROOT / app).rglob("*.py")):
            source = path.read_text()
            is_asked = SPEAKS.search(source) or "tiklive" in path.parts
            if is_asked and not {"simulator", "migrations", "admin_navigation.py"} & set(path.parts):
                found |= {name: str(path.relative_to(ROOT)) for name in names_in(source)}
    return found


#: Look like names and are none.
NO_NAMES = re.compile(
    r"admin:.*|\{resource\}:.*|.*::\w+|\{host\}:.*|\{at\.hour\}:.*|tikdash:refreshed|\{tenant_id\}:\{account_id\}"
)


def test_every_name_in_redis_says_whose_it_is() -> None:
    found = {name: where for name, where in names_of_the_code().items() if not NO_NAMES.fullmatch(name)}
    unknown = {name: where for name, where in found.items() if name not in KNOWN}
    assert unknown == {}, "Say here whose these are, and erase what is a tenant's in accounts/services/traces.py."
    assert KNOWN.keys() - found.keys() == set(), "these are not in the code any more"


def test_the_scan_sees_a_new_name() -> None:
    assert list(names_in('redis.set(f"api:{token.tenant_id}:{minute}", 1)')) == ["api:{token.tenant_id}:{minute}"]


@pytest.mark.parametrize("name", OF_TENANT)
def test_what_is_a_tenants_is_erased_with_it_and_nobody_elses(name: str) -> None:
    mine = re.compile(KEYS_OF_TENANT.format(n=NUMBER))
    assert mine.fullmatch(OF_TENANT[name])
    assert not mine.fullmatch(OF_TENANT[name].replace(f"{NUMBER}", f"{OTHER}", 1))


@pytest.mark.parametrize("name", WITH_TENANTS)
def test_sets_of_tenants_lose_the_tenant(name: str) -> None:
    assert SETS_OF_TENANTS.fullmatch(WITH_TENANTS[name])


def test_no_name_that_holds_a_tenant_passes_for_nobodys() -> None:
    assert [name for name in OF_NOBODY if "tenant" in name] == []
