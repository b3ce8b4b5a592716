"""HubSpot as an app: access tokens of half an hour, refresh tokens that are new each time and on the disk first."""

from __future__ import annotations

import stat
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from leadrole import paths
from leadrole.crm import auth
from leadrole.errors import AuthError, ConfigError, SourceUnavailableError
from leadrole.sandbox import Faults, Server
from leadrole.sandbox.hubspot import Account
from leadrole.sandbox.wire import Reply, Request
from leadrole.settings import Settings
from support.homes import TOKEN, hubspot_home, ids, night, replaced, run_of, write_config
from support.stories import NIGHT, story
from test_extract_hubspot import server

APP = {
    "client_id": "app-4711",
    "client_secret": "secret-canary-of-the-app",
    "refresh_token": "eu1-first-canary",
}
ENV = {"APP_ID": APP["client_id"], "APP_SECRET": APP["client_secret"], "APP_REFRESH": APP["refresh_token"]}
KEYS = ("client_id_env: APP_ID", "client_secret_env: APP_SECRET", "refresh_token_env: APP_REFRESH")


def app_text(base_url: str, keys: tuple[str, ...] = KEYS, **lines: str) -> str:
    """The example config with an app's keys in the place of the service key."""
    text = (paths.config() / "leadrole.example.yml").read_text(encoding="utf-8")
    text = replaced(
        text,
        {
            "base_url": base_url,
            "page_size": "5",
            "per_10_seconds": "1000000",
            "search_per_second": "1000000",
            "max_clock_skew_minutes": "52560000",
            **lines,
        },
    )
    return text.replace("    token_env: HUBSPOT_TOKEN ", "".join(f"    {key}\n" for key in keys) + "    #")


def app_home(home: Path, base_url: str, env: dict[str, str] | None = None, **lines: str) -> Settings:
    return write_config(home, app_text(base_url, **lines), ENV if env is None else env)


def portal(**more: Any) -> Server:
    return server(story(), **{**APP, "rotate_refresh_tokens": True, **more})


def stored(config: Settings) -> Path:
    return run_of(config.home).data_dir / "tokens" / "hubspot.json"


@pytest.mark.parametrize(
    ("version", "path"),
    [("2026-03", "/oauth/2026-03/token"), ("2026-09", "/oauth/2026-09/token"), ("v3", "/oauth/v3/token")],
)
def test_an_app_reads_everything_with_the_token_it_fetches(tmp_path: Path, version: str, path: str) -> None:
    with portal() as crm:
        config = app_home(tmp_path, crm.base_url, api_version=f'"{version}"')
        night(config)
        assert crm.count(f"POST {path}", 200) == crm.count("oauth") == 1
    assert len(ids(config, "raw_hubspot.contacts")) == 12


def test_a_token_that_expires_in_the_middle_is_renewed_once_and_its_page_asked_again(tmp_path: Path) -> None:
    with portal() as crm:
        # Half an hour of HubSpot's clock goes by between two pages; what was read before is not read again.
        crm.set_faults(Faults().advance_clock("GET .*objects/2026-03/calls", seconds=1801, after=1))
        config = app_home(tmp_path, crm.base_url)
        night(config)
        assert (crm.count("oauth", 200), crm.count(status=401)) == (2, 1)
        answered = [
            (call.method, call.path, call.query, call.body) for call in crm.calls if call.status < 300
        ]
        assert len(answered) == len(set(answered))
    assert len(ids(config, "raw_hubspot.calls")) == 12


def test_each_night_goes_on_with_the_newest_refresh_token(tmp_path: Path) -> None:
    with portal() as crm:
        config = app_home(tmp_path, crm.base_url)
        for number in range(3):
            night(config, number)
        assert crm.count("oauth", 200) == 3
        assert crm.count("oauth", 400) == 0
        used = [call.body for call in crm.calls if "oauth" in call.path]
    assert len(set(used)) == 3
    assert APP["refresh_token"] not in stored(config).read_text()
    assert stat.S_IMODE(stored(config).stat().st_mode) == 0o600
    assert stat.S_IMODE(stored(config).parent.stat().st_mode) == 0o700


def test_a_kill_right_after_the_new_token_was_kept_locks_nobody_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = auth.TokenStore.write

    def write_and_die(store: auth.TokenStore, given: str, token: str) -> None:
        write(store, given, token)
        raise KeyboardInterrupt

    with portal() as crm:
        config = app_home(tmp_path, crm.base_url)
        with monkeypatch.context() as patched:
            patched.setattr(auth.TokenStore, "write", write_and_die)
            with pytest.raises(KeyboardInterrupt):
                night(config)
        # HubSpot has forgotten the token that the environment still holds.
        crm.clear_calls()
        night(config)
        assert (crm.count("oauth", 200), crm.count("oauth", 400)) == (1, 0)
        stored(config).unlink()
        with pytest.raises(AuthError, match="refuses the refresh token"):
            night(config, 1)
    assert len(ids(config, "raw_hubspot.contacts")) == 12


def test_a_token_that_can_not_be_kept_is_not_used(tmp_path: Path) -> None:
    with portal() as crm:
        config = app_home(tmp_path, crm.base_url)
        stored(config).parent.parent.mkdir(parents=True)
        stored(config).parent.write_text("a file where the directory should be")
        with pytest.raises(Exception, match="refresh token") as caught:
            night(config)
        assert getattr(caught.value, "exit_code", None) == 7
        assert crm.count("crm/") == 0


def test_a_new_token_in_the_environment_beats_the_stored_one(tmp_path: Path) -> None:
    with portal() as crm:
        night(app_home(tmp_path, crm.base_url))
    with portal(refresh_token="eu1-second-canary") as crm:
        config = app_home(tmp_path, crm.base_url, {**ENV, "APP_REFRESH": "eu1-second-canary"})
        crm.set_now(NIGHT + timedelta(days=1))
        night(config, 1)
        assert crm.count("oauth", 400) == 0


class Forgetful(Account):
    """An app whose answers leave the refresh token out: the one it has stays good."""

    def answer(self, request: Request) -> Reply:
        reply = super().answer(request)
        if "/oauth/" in request.path and reply.status == 200:
            reply.body.pop("refresh_token", None)
        return reply


def test_an_answer_without_a_refresh_token_leaves_the_old_one(tmp_path: Path) -> None:
    with portal(dialect=Forgetful, rotate_refresh_tokens=False) as crm:
        crm.set_faults(Faults().advance_clock("GET .*objects/2026-03/calls", seconds=1801))
        config = app_home(tmp_path, crm.base_url)
        night(config)
        assert crm.count("oauth", 200) == 2
    assert not stored(config).exists()


@pytest.mark.parametrize(
    ("env", "told"),
    [
        ({"APP_REFRESH": "eu1-revoked-canary"}, "the variable that refresh_token_env names"),
        (
            {"APP_SECRET": "another-secret-canary"},
            "the variables that client_id_env and client_secret_env name",
        ),
        ({"APP_ID": "app-0815"}, "the variables that client_id_env and client_secret_env name"),
    ],
    ids=["refresh token", "secret", "id"],
)
def test_a_refused_renewal_says_what_to_mend(tmp_path: Path, env: dict[str, str], told: str) -> None:
    with portal() as crm:
        config = app_home(tmp_path, crm.base_url, {**ENV, **env})
        with pytest.raises(AuthError, match=told) as caught:
            night(config)
        assert caught.value.exit_code == 3
        assert crm.count("crm/") == 0
        assert crm.count("oauth") == 2
    for secret in (*ENV.values(), *env.values()):
        assert "canary" not in secret or secret not in str(caught.value)


def test_a_renewal_that_fails_in_the_middle_ends_the_night_and_the_next_goes_on(tmp_path: Path) -> None:
    with portal() as crm:
        faults = Faults().advance_clock("GET .*objects/2026-03/calls", seconds=1801)
        crm.set_faults(faults.status("oauth", 503, after=1, times=None))
        config = app_home(tmp_path, crm.base_url)
        with pytest.raises(SourceUnavailableError, match="login is broken"):
            night(config)
        read = crm.count("objects/2026-03/contacts")
        crm.set_faults(Faults())
        night(config, 1)
        assert crm.count("objects/2026-03/contacts") == read
    assert len(ids(config, "raw_hubspot.calls")) == 12


def test_no_token_of_any_kind_is_on_the_disk_but_in_its_store(tmp_path: Path) -> None:
    with portal() as crm:
        crm.set_faults(Faults().advance_clock("GET .*objects/2026-03/calls", seconds=1801))
        config = app_home(tmp_path, crm.base_url)
        night(config)
        given = [*crm._memory["oauth"]["access"], *crm._memory["oauth"]["refresh"], *APP.values()]
    assert len(given) >= 6
    for path in run_of(tmp_path).data_dir.rglob("*"):
        if path.is_file() and path != stored(config):
            content = path.read_bytes()
            assert not [
                secret for secret in given if secret.encode() in content and secret != APP["client_id"]
            ]
    shown = repr(config) + config.model_dump_json()
    assert not [secret for secret in APP.values() if secret in shown]


def test_a_malformed_key_is_told_as_a_refused_one(tmp_path: Path) -> None:
    with server(story()) as crm:
        config = hubspot_home(tmp_path, crm.base_url)
        source = config.sources[0]
        broken = source.model_copy(update={"token": type(source.token)("a")})  # type: ignore[union-attr]
        with pytest.raises(AuthError, match="530") as caught:
            night(config.model_copy(update={"sources": (broken,)}))
        assert crm.count(status=530) == crm.count() == 2
    assert caught.value.exit_code == 3


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ((), "sources[0].token_env: missing; name the variable with the service key, or client_id_env,"),
        (KEYS[:2], "sources[0].refresh_token_env: missing; an app needs all of client_id_env,"),
        (KEYS[2:], "sources[0].client_id_env: missing; an app needs all of"),
        (("token_env: HUBSPOT_TOKEN", *KEYS), "sources[0].client_id_env: token_env is given as well;"),
        (("token_env: HUBSPOT_TOKEN", KEYS[1]), "sources[0].client_secret_env: token_env is given as well;"),
    ],
    ids=["neither", "two of three", "one of three", "both", "both, in part"],
)
def test_exactly_one_way_in_is_given(tmp_path: Path, keys: tuple[str, ...], told: str) -> None:
    with pytest.raises(ConfigError) as caught:
        write_config(tmp_path, app_text("http://127.0.0.1:9", keys), {**ENV, "HUBSPOT_TOKEN": TOKEN})
    assert [mistake for mistake in caught.value.mistakes if told in mistake]
    assert len(caught.value.mistakes) == 1
