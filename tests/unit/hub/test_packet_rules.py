"""The packet filter's rules as a table, before any kernel sees them."""

import pytest

from enclave.adapters import firewall, supervision
from enclave.adapters.proxy import command
from enclave.config import SITES, Site

SITE = SITES["test"]


def test_two_ports_of_one_address_and_nothing_else() -> None:
    """Four rules towards the machine: answers, too many connections of one workspace, the two ports, drop."""
    to_host = firewall.rules(SITE)["iptables"][firewall.chain(SITE)]
    assert [rule[rule.index("-j") + 1] for rule in to_host] == ["ACCEPT", "REJECT", "ACCEPT", "DROP"]
    for rule in to_host[1:3]:
        assert "8081,8082" in rule
        assert "10.87.1.1/32" in rule


def test_one_workspace_cannot_take_all_connections() -> None:
    """Room for a thousand requests at once, and for thirty workspaces that all ask so many."""
    rule = firewall.rules(SITE)["iptables"][firewall.chain(SITE)][1]
    most = int(rule[rule.index("--connlimit-above") + 1])
    assert most > 1000
    assert rule[rule.index("--connlimit-mask") + 1] == "32"
    assert 32 * most < supervision.OPEN_FILES


def test_ipv6_has_no_exception() -> None:
    """Everything from a workspace's bridge is dropped."""
    assert firewall.rules(SITE)["ip6tables"][firewall.chain(SITE)] == (("-j", "DROP"),)


@pytest.mark.parametrize("family", ["iptables", "ip6tables"])
def test_nothing_is_forwarded_in_either_direction(family: str) -> None:
    """From and to the bridges alike."""
    across = firewall.rules(SITE)[family][firewall.forward_chain(SITE)]
    assert across[:2] == (("-i", "enw1-+", "-j", "DROP"), ("-o", "enw1-+", "-j", "DROP"))


def test_sites_do_not_touch_each_other() -> None:
    """Chains, bridges and addresses of two sites have nothing in common, not even 1 and 11."""
    for other in (SITES["demo"], Site("x", 11)):
        assert not set(firewall.rules(SITE)["iptables"]) & set(firewall.rules(other)["iptables"])
        assert not other.bridge(0).startswith(SITE.bridge_prefix)


def test_names_of_chains_fit_the_kernel() -> None:
    """28 characters at most, for the longest name a site can have."""
    assert len(firewall.forward_chain(Site("a" * 16, 0))) <= 28


def test_the_proxys_token_is_on_no_command_line() -> None:
    """It goes from its file into the process's own environment."""
    words = command(SITE)
    assert not [word for word in words if "token" in word.lower()]
    assert words[words.index("--api-ip") + 1] == SITE.service_ip
    assert words[words.index("--ip") + 1] == "127.0.0.1"


def test_a_service_may_open_what_the_system_lets_it_and_no_more_is_asked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A system that refuses a higher limit still gets its services started."""

    def no(*_: object) -> None:
        raise ValueError("not allowed to raise maximum limit")

    limits = supervision.resource
    monkeypatch.setattr(limits, "getrlimit", lambda _: (1_024, 20_000))
    monkeypatch.setattr(limits, "setrlimit", no)
    assert supervision.open_files() == 20_000
    monkeypatch.setattr(limits, "setrlimit", lambda *_: None)
    assert supervision.open_files() == supervision.OPEN_FILES
    monkeypatch.setattr(limits, "getrlimit", lambda _: (1_024, limits.RLIM_INFINITY))
    monkeypatch.setattr(limits, "setrlimit", no)
    assert supervision.open_files() == supervision.OPEN_FILES
