"""The launcher's parts: ports, folders, stale processes, messages."""

import json
import os
import signal
import socket
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from launcher import cli, packages, processes, run, services, testing
from launcher.console import LauncherError
from launcher.places import Places, installation_secrets
from launcher.processes import Ledger, Recorded
from launcher.supervisor import Child, Supervisor

ROOT = Path(__file__).resolve().parents[2]
SLEEP = [sys.executable, "-c", "import time; time.sleep(60)"]


def test_a_taken_port_is_named_and_the_next_one_used(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        chosen = run.free_port("127.0.0.1", port)
    assert chosen > port
    assert f"Port {port} is taken; using {chosen}" in capsys.readouterr().out


def test_sockets_move_to_a_short_private_folder_when_the_path_has_spaces(tmp_path: Path) -> None:
    places = Places.of(tmp_path / "my sales ops" / "var")
    folder = places.sockets()
    assert " " not in str(folder)
    assert len(str(folder)) < 40
    assert stat.S_IMODE(folder.stat().st_mode) & 0o077 == 0
    assert places.sockets() == folder, "the same folder again"
    folder.chmod(0o777)
    assert places.sockets() != folder, "a folder others can write to is not trusted"
    folder.rmdir()
    places.sockets().rmdir()


def test_sockets_stay_in_var_when_the_path_is_harmless(tmp_path: Path) -> None:
    short = Path("/tmp") / f"so-{os.getpid()}"
    places = Places.of(short)
    assert places.sockets() == short.resolve() / "run" / "sockets"
    subprocess.run(["rm", "-r", str(short)], check=True)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root starts servers as somebody else")
def test_another_command_leaves_the_database_server_its_way_to_its_sockets(tmp_path: Path) -> None:
    places = Places.of(tmp_path / "var")
    for folder in (places.var, places.state):
        folder.chmod(0o701)
    Places.of(tmp_path / "var")
    for folder in (places.var, places.state):
        assert folder.stat().st_mode & 0o077 == 0o011, "others may pass, and look at nothing"


def test_secrets_are_made_once_and_are_private(tmp_path: Path) -> None:
    places = Places.of(tmp_path / "var")
    first = installation_secrets(places)
    assert first == installation_secrets(places)
    assert len(first["SECRET_KEY"]) > 50
    assert stat.S_IMODE((places.var / "secrets.json").stat().st_mode) == 0o600
    (places.var / "secrets.json").write_text("{")
    with pytest.raises(LauncherError, match="restore it, or delete it"):
        installation_secrets(places)


def test_a_folder_that_is_not_ours_is_explained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "mkdir", refuse)
    with pytest.raises(LauncherError, match="set SALESOPS_VAR"):
        Places.of(tmp_path / "var")


def test_a_recorded_pid_that_is_somebody_else_s_by_now_is_left_alone(tmp_path: Path) -> None:
    stranger = subprocess.Popen(SLEEP, start_new_session=True)
    try:
        ledger = Ledger(tmp_path / "processes.json")
        ledger.write([Recorded("web", stranger.pid, "1", "another-run")])
        assert ledger.clean_up() == []
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_left_over_processes_are_ended_with_their_children(tmp_path: Path) -> None:
    run_id = f"test-{time.time_ns()}"
    program = "import subprocess, sys, time; subprocess.Popen(sys.argv[1:]); time.sleep(60)"
    parent = subprocess.Popen(
        [sys.executable, "-c", program, *SLEEP],
        start_new_session=True,
        env={**os.environ, processes.MARK: run_id},
    )
    deadline = time.monotonic() + 10
    while len(processes.marked(run_id)) < 2 and time.monotonic() < deadline:
        time.sleep(0.05)
    ledger = Ledger(tmp_path / "processes.json")
    ledger.write([Recorded("web", parent.pid, processes.start_time(parent.pid), run_id)])
    os.kill(parent.pid, signal.SIGKILL)  # its child lives on
    parent.wait()
    ledger.clean_up()
    assert processes.marked(run_id) == []


@pytest.mark.parametrize("content", ["", "{", "[{}]", '[{"pid": 1}]', "null"])
def test_a_damaged_process_list_is_ignored(tmp_path: Path, content: str) -> None:
    file = tmp_path / "processes.json"
    file.write_text(content)
    assert Ledger(file).clean_up() == []


def test_a_child_that_dies_is_started_again_with_growing_pauses(tmp_path: Path) -> None:
    supervisor = Supervisor(Places.of(tmp_path / "var"), dict(os.environ))
    child = supervisor.start(Child("short", [sys.executable, "-c", "pass"]))
    deadline = time.monotonic() + 20
    starts = {child.process.pid} if child.process else set()
    supervisor.watch(
        lambda: len(starts) >= 3 or time.monotonic() > deadline or bool(starts.add(child.process.pid))
    )  # type: ignore[union-attr, func-returns-value]
    supervisor.stop()
    assert len(starts) >= 3
    assert child.failures >= 2
    assert Ledger(tmp_path / "var" / "run" / "processes.json").read() == []


def test_a_log_that_grows_is_set_aside_while_it_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from launcher import supervisor as module

    monkeypatch.setattr(module, "LOG_LIMIT", 1000)
    log = tmp_path / "web.log"
    with log.open("ab", buffering=0) as writer:
        writer.write(b"x" * 2000)
        module._trim(log)
        writer.write(b"later\n")
    assert log.read_bytes() == b"later\n"
    assert (tmp_path / "web.log.1").stat().st_size == 2000


def test_a_second_run_on_the_same_folder_is_refused_with_the_address(tmp_path: Path) -> None:
    places = Places.of(tmp_path / "var")
    (places.state / "address").write_text("http://127.0.0.1:8123")
    with (
        services.lock(places, "run"),
        pytest.raises(LauncherError, match=r"already running .*8123.*launch.py stop"),
    ):
        run.run(places, host="127.0.0.1", port=8000, demo=False)


@pytest.mark.parametrize(
    ("value", "words"), [("abc", "not a number"), ("70000", "not a port"), ("0", "not a port")]
)
def test_a_wrong_port_is_explained(
    value: str,
    words: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    monkeypatch.setenv("PORT", value)
    monkeypatch.setenv("SALESOPS_VAR", str(tmp_path / "var"))
    assert cli.run_command(["run"]) == 1
    assert words in capsys.readouterr().err


def test_packages_are_installed_only_when_the_lock_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed: list[str] = []
    monkeypatch.delenv("SALESOPS_VENV", raising=False)
    monkeypatch.setattr(packages.places, "ROOT", tmp_path)
    monkeypatch.setattr(packages, "_ensure_venv", lambda: (tmp_path / ".venv").mkdir(exist_ok=True))
    monkeypatch.setattr(packages, "_install", lambda lock: installed.append(lock.name))
    lock = tmp_path / "requirements.txt"
    lock.write_text("a==1")
    for _ in range(2):
        packages.ensure_packages("requirements.txt")
    lock.write_text("a==2")
    packages.ensure_packages("requirements.txt")
    assert installed == ["requirements.txt", "requirements.txt"]


def test_the_welcome_shows_address_and_logins(tmp_path: Path) -> None:
    places = Places.of(tmp_path / "var")
    assert "create_user" in run.welcome(places, "http://127.0.0.1:8000")
    logins = [{"role": "rep", "email": "rep@demo.example", "password": "s3cret", "name": "Rita Rep"}]
    (places.var / "demo_logins.json").write_text(json.dumps(logins))
    text = run.welcome(places, "http://127.0.0.1:8000")
    assert "http://127.0.0.1:8000" in text
    assert "rep  rep@demo.example  s3cret  Rita Rep" in text
    assert str(places.var / "demo_logins.json") in text


def test_an_old_python_is_told_what_to_do() -> None:
    """launch.py itself must stay readable for old Pythons: no syntax newer than 3.6 in it."""
    import ast

    ast.parse((ROOT / "launch.py").read_text(), feature_version=(3, 6))


def test_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        cli.run_command(["--help"])
    assert end.value.code == 0
    shown = capsys.readouterr().out
    assert all(command in shown for command in ("run", "test", "exec", "stop", "status", "SALESOPS_VAR"))


def test_the_import_contracts_are_really_examined() -> None:
    (check,) = [check for check in testing.checks() if check.name == "import contracts"]
    done = subprocess.run(check.command, cwd=ROOT, capture_output=True, text=True)
    assert "Contracts:" in done.stdout, "a tool that says nothing has looked at nothing"


def test_every_check_of_the_suite_is_a_tool_that_is_installed() -> None:
    for check in testing.checks():
        if check.command[1] == "-m":
            found = subprocess.run([sys.executable, "-c", f"import {check.command[2]}"], capture_output=True)
            assert found.returncode == 0, check.name
