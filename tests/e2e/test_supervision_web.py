"""The services through supervisor's doors: its web page in a real browser, XML-RPC, and supervisorctl tail -f.

Not tested: browsers other than Debian's chromium.
"""

from __future__ import annotations

import html
import json
import os
import re
import subprocess
import urllib.parse
import urllib.request
import xmlrpc.client
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.engine import Engine, lines
from tests.support.originals import original
from tests.support.processes import ended
from tests.support.run import BIN, TIMEOUT, ours, run
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.slow

FOREVER = "exec sleep 1000"

# supervisor refuses port 0, so the test has an address of its own, by its process id, instead of a port.
ADDRESS = ".".join(map(str, (127, *(os.getpid() + 2**17).to_bytes(3, "big"))))
PAGE = f"http://{ADDRESS}:9001/"

CONFIGURATION = f"""
[supervisord]
logfile=%(here)s/engine.log
pidfile=%(here)s/engine.pid
[inet_http_server]
port={ADDRESS}:9001
[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface
[supervisorctl]
serverurl={PAGE}
"""

BROWSER = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-proxy-server",
)


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    with Engine(tmp_path) as made:
        made.configuration = made.root / "conf"
        made.configuration.write_text(CONFIGURATION)
        yield made


def supervised(home: Path) -> bool:
    return run([original("svok"), str(home)]).status == 0


def served() -> bool:
    try:
        with urllib.request.urlopen(PAGE, timeout=TIMEOUT):
            return True
    except OSError:
        return False


class Browser:
    def __init__(self, profile: Path) -> None:
        self._profile = profile
        self._program = original("chromium")

    def dom(self, address: str) -> str:
        """The page as the browser holds it when it has loaded."""
        argv = [self._program, *BROWSER, f"--user-data-dir={self._profile}", "--dump-dom", address]
        done = run(argv)
        assert done.status == 0, done.stderr.decode()
        return done.stdout.decode()


def rows(dom: str) -> dict[str, str]:
    """The name in each row of the table, and the state beside it."""
    found = {}
    for row in re.findall(r"<tr\b.*?</tr>", dom, re.DOTALL):
        state = re.search(r'<span class="status\w+">(\w+)</span>', row)
        name = re.search(r'<a href="tail.html[^"]*"[^>]*>([^<]*)</a>', row)
        if state and name:
            found[html.unescape(name[1])] = state[1]
    return found


def link(dom: str, name: str, action: str) -> str:
    """Where the row's button leads."""
    wanted = {html.unescape(href) for href in re.findall(r'href="(index.html\?processname=[^"]*)"', dom)}
    [found] = [
        href
        for href in wanted
        if href.endswith(f"action={action}") and f"={name}&" in urllib.parse.unquote(href)
    ]
    return PAGE + found


def test_the_page_in_a_browser(engine: Engine) -> None:
    browser = Browser(engine.root / "profile")
    web = engine.add("web", f"echo a line; {FOREVER}", engine.multilog("web"))
    odd = engine.add("odd <b>&name", FOREVER, down=True)
    engine.start()
    eventually(served)
    eventually(lambda: all(map(supervised, (web, web / "log", odd))))
    assert run([ours("svc"), "--wait=up", "--timeout=30", str(web), str(web / "log")]).status == 0
    eventually(lambda: engine.logged("web"))
    strange = "odd%20%3Cb%3E%26name"
    dom = browser.dom(PAGE)
    states = rows(dom)
    assert set(states) == {"web", "web:log", strange}
    assert states[strange] == "stopped"
    assert states["web"] in ("running", "starting")
    # As somebody would who presses the buttons.
    after = browser.dom(link(dom, strange, "start"))
    assert "started" in after
    assert rows(after)[strange] == "running"
    assert json.loads(run([ours("svstat"), "--json", str(odd)]).stdout)["up"]
    after = browser.dom(link(after, "web", "stop"))
    assert rows(after)["web"] == "stopped"
    assert b"down" in run([original("svstat"), str(web)]).stdout
    assert "a line" in browser.dom(PAGE + "tail.html?processname=web")


def test_xml_rpc(engine: Engine) -> None:
    home = engine.add("web", f"echo $$ >>$ROOT/pids; echo a line; {FOREVER}", engine.multilog("web"))
    once = engine.add("once", "exit 7", down=True)
    engine.start()
    eventually(served)
    eventually(lambda: supervised(home) and supervised(once))
    with xmlrpc.client.ServerProxy(PAGE + "RPC2") as server:
        rpc: Any = server.supervisor

        def state(name: str) -> str:
            return str(rpc.getProcessInfo(name)["statename"])

        eventually(lambda: state("web") == "RUNNING" and state("web:log") == "RUNNING")
        info = rpc.getProcessInfo("web")
        assert info["pid"] == engine.pid("pids")
        assert info["group"] == info["name"] == "web"
        eventually(lambda: engine.logged("web"))
        assert rpc.readProcessStdoutLog("web", 0, 100) == "a line\n"
        assert rpc.stopProcess("web") is True
        assert b"down" in run([original("svstat"), str(home)]).stdout
        assert rpc.startProcess("web") is True
        pid = rpc.getProcessInfo("web")["pid"]
        assert rpc.signalProcess("web", "KILL") is True
        eventually(lambda: ended(pid))
        eventually(lambda: state("web") == "RUNNING" and rpc.getProcessInfo("web")["pid"] != pid)
        # What svc does is seen here.
        assert run([ours("svc"), "-d", "--wait=down", "--timeout=30", str(home)]).status == 0
        assert state("web") == "STOPPED"
        assert run([ours("svc"), "-u", "--wait=up", "--timeout=30", str(home)]).status == 0
        assert state("web") in ("STARTING", "RUNNING")
        assert run([ours("svc"), "-o", str(once)]).status == 0
        eventually(lambda: rpc.getProcessInfo("once")["exitstatus"] == 7)
        assert state("once") in ("STOPPED", "EXITED")  # the latter if it took a second for that
        with pytest.raises(xmlrpc.client.Fault):
            rpc.startProcess("nobody")
        # Its standard input is not supervisord's to write to.
        with pytest.raises(xmlrpc.client.Fault, match="NO_FILE"):
            rpc.sendProcessStdin("web", "text")


def test_tail_follows(engine: Engine) -> None:
    home = engine.add(
        "web",
        f"echo first; until [ -f go ]; do sleep 0.05; done; echo second; {FOREVER}",
        engine.multilog("web"),
    )
    engine.start()
    eventually(served)
    eventually(lambda: engine.logged("web"))
    argv = [str(BIN / "supervisorctl"), "-c", str(engine.configuration), "tail", "-f", "web"]
    with (engine.root / "tail").open("wb") as output:
        tail = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
    try:
        eventually(lambda: "first" in lines(engine.root / "tail"))
        (home / "go").touch()
        eventually(lambda: "second" in lines(engine.root / "tail"))
    finally:
        tail.kill()
        tail.wait()
