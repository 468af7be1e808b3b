"""Where settings come from, and what a machine that is no development machine must not start without."""

from __future__ import annotations

import os
import re
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from tests.environment import ROOT

ELSEWHERE = {"DATABASE_URL": "postgresql://tikdash:x@127.0.0.1:9/tikdash"}
#: What no machine but one of development may start without.
PRODUCTION = ELSEWHERE | {
    "SECRET_KEY": "x",
    "TENANT_KEY_FERNET": Fernet.generate_key().decode(),
    "TOKEN_PEPPERS": "1:a-pepper-of-tests-that-is-long-enough",
}


def run(program: str, directory: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """A program in a fresh process whose environment says nothing but this."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env=kept | {"TIKDASH_VAR": str(directory), "DJANGO_SETTINGS_MODULE": "tikdash.settings"} | variables,
        capture_output=True,
        text=True,
        check=False,
    )


SECRET = "from tikdash.env import secret; print(secret('SECRET_KEY'))"
SETTING = "from django.conf import settings; print({})"


def test_a_development_machine_makes_its_secret_once_and_keeps_it_to_itself(tmp_path: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        said = {done.stdout for done in pool.map(lambda _: run(SECRET, tmp_path), range(4))}
    assert len(said) == 1 and len(said.pop()) > 50, "processes that start at once read the same secret"
    path = tmp_path / "secrets" / "secret_key"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600 and stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert [path.name] == os.listdir(path.parent)


def test_a_secret_in_the_environment_wins_and_is_not_written_anywhere(tmp_path: Path) -> None:
    assert run(SECRET, tmp_path, SECRET_KEY="mine").stdout == "mine\n"
    assert not (tmp_path / "secrets").exists()


def test_with_a_database_of_its_own_nobody_starts_without_a_secret(tmp_path: Path) -> None:
    done = run(SETTING.format("settings.DEBUG"), tmp_path, **ELSEWHERE)
    assert done.returncode != 0 and not (tmp_path / "secrets").exists()
    assert "Set SECRET_KEY: with DATABASE_URL set, no secret is made up. See .env.example.\n" in done.stderr


@pytest.mark.parametrize(
    ("variables", "upstream", "key"),
    [
        (PRODUCTION | {"TIKLIVE_KEY": "k"}, "https://api.tikliveapi.com", "k"),
        ({}, "http://127.0.0.1:8100", "sim-shared-key"),
    ],
    ids=["production", "development"],
)
def test_only_a_development_machine_asks_the_simulator(
    tmp_path: Path, variables: dict[str, str], upstream: str, key: str
) -> None:
    done = run(SETTING.format("settings.TIKLIVE_BASE_URL, settings.TIKLIVE_KEY"), tmp_path, **variables)
    assert done.stdout == f"{upstream} {key}\n"


def test_debugging_is_off_and_cookies_are_kept_from_scripts_unless_said_otherwise(tmp_path: Path) -> None:
    names = "settings.DEBUG, settings.SESSION_COOKIE_HTTPONLY, settings.SESSION_COOKIE_SECURE"
    assert run(SETTING.format(names), tmp_path, **PRODUCTION).stdout == "False True False\n"
    behind = run(SETTING.format(names), tmp_path, BEHIND_TLS_PROXY="1", **PRODUCTION)
    assert behind.stdout == "False True True\n"


@pytest.mark.parametrize(
    ("variables", "hosts"),
    [
        ({}, "['127.0.0.1:8100']"),
        ({"TIKLIVE_BASE_URL": "https://api.tikliveapi.com"}, "[]"),
        (PRODUCTION, "[]"),
        (PRODUCTION | {"TIKLIVE_BASE_URL": "http://127.0.0.1:8100"}, "[]"),
    ],
    ids=["development", "development with the real upstream", "production", "production with a local upstream"],
)
def test_only_the_simulator_of_a_development_machine_may_give_pictures_from_our_own_network(
    tmp_path: Path, variables: dict[str, str], hosts: str
) -> None:
    assert run(SETTING.format("settings.PICTURE_HOSTS_TRUSTED"), tmp_path, **variables).stdout == f"{hosts}\n"


def test_a_bucket_without_the_library_that_speaks_to_it_stops_the_start_with_a_sentence(tmp_path: Path) -> None:
    program = f"import sys; sys.modules['storages'] = None; {SETTING.format('settings.DEBUG')}"
    done = run(program, tmp_path, MEDIA_S3_BUCKET="pictures")
    assert done.returncode != 0
    assert 'the library for S3 is not installed: pip install "django-storages[s3]".\n' in done.stderr


def test_browsers_may_get_pictures_from_the_bucket_and_from_nowhere_else(tmp_path: Path) -> None:
    program = SETTING.format("settings.CONTENT_SECURITY_POLICY['DIRECTIVES']['img-src']")
    own = ["'self'", "data:"]
    assert run(program, tmp_path).stdout == f"{own}\n"
    with_bucket = run(program, tmp_path, MEDIA_S3_BUCKET="pictures", MEDIA_S3_REGION="eu-west-1").stdout
    assert with_bucket == f"{[*own, 'https://s3.eu-west-1.amazonaws.com']}\n"


def test_the_example_names_every_variable_that_is_read_and_no_other() -> None:
    named = set(re.findall(r"\b([A-Z][A-Z0-9_]+)=", (ROOT / ".env.example").read_text()))
    sources = [path for app in ("tikdash", "accounts", "billing", "snapshots") for path in ROOT.glob(f"{app}/**/*.py")]
    sources = [path for path in sources if "simulator" not in path.parts] + [ROOT / "tests" / "chromium.py"]
    code = "\n".join(path.read_text() for path in sources)
    read = set(re.findall(r"""(?:env(?:\.\w+)?|secret)\(\s*"([A-Z][A-Z0-9_]+)\"""", code))
    read |= set(re.findall(r"\$\{([A-Z_]+):?-", (ROOT / "Procfile").read_text()))
    assert read - named == set()
    assert {name for name in named if f'"{name}"' not in code} - read == set()
