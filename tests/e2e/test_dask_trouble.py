"""Dask clusters that do not stay as they were: a scheduler that dies, workers that come, TLS."""

from __future__ import annotations

import datetime
import ipaddress
import re
import subprocess

import pytest

from clusters import Cluster, free_port

pytest.importorskip("distributed")
pytestmark = pytest.mark.slow

SHARDS = 2 * 64 // 8
BY = re.compile(r" · by ((?:tcp|tls)://\S+) in ")
OTHER = """\
import adversity.engine.stages.stage as stage

stage.processor = lambda: "Another Processor"
"""


@pytest.fixture
def cluster(tmp_path, clean_environment):
    """A scheduler without workers."""
    started = Cluster(tmp_path, clean_environment)
    yield started
    started.end()


def on(cluster, in_shards, to):
    """Return a copy whose shards are computed by a cluster."""
    project = in_shards.copy(str(to))
    project.edit("workers: 2", f'runner: dask, address: "{cluster.address}"')
    return project


def watched(project, program, environment, at_third):
    """Run, call `at_third` at the third shard of the attack; return the code and all lines."""
    with subprocess.Popen(
        [program("adversity"), "run", "pipelines/smoke.yaml", "--direct", "-v"],
        cwd=project.root,
        env=environment,
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    ) as child:
        lines = []
        for line in child.stderr:
            lines.append(line)
            if len(attackers(lines)) == 3 and attackers([line]):
                at_third()
    return child.returncode, lines


def attackers(lines):
    """Return the worker of each shard of the attack."""
    found = (BY.search(line) for line in lines if line.startswith("   attacked"))
    return [match[1] for match in found if match]


def test_a_scheduler_that_dies_is_one_message_and_the_next_run_heals(
    in_shards, by_threads, cluster, tmp_path, program, clean_environment
):
    """Exit code 3; with another scheduler at the address the rest is made, and nothing twice."""
    project = on(cluster, in_shards, tmp_path / "project")
    cluster.worker(free_port())
    code, lines = watched(project, program, clean_environment, cluster.scheduler.kill)
    said = " ".join("".join(lines).split())
    assert code == 3, said
    wanted = f"the Dask scheduler at {cluster.address} is gone; finished shards are kept: run again"
    assert said.count(wanted) == 1
    assert "Traceback" not in said
    cluster.end()
    cluster.begin()
    cluster.worker(free_port())
    again = project.run("-v")
    assert 0 < len(attackers(again.err.splitlines())) <= SHARDS - 3
    assert project.differences(by_threads) == []


def test_a_worker_that_comes_late_does_what_is_left(
    in_shards, by_threads, cluster, tmp_path, program, clean_environment
):
    """The only worker is killed in the attack, and then another one starts."""
    project = on(cluster, in_shards, tmp_path / "project")
    first, second = free_port(), free_port()
    mortal = cluster.worker(first)

    def replace():
        mortal.kill()
        cluster.worker(second)

    code, lines = watched(project, program, clean_environment, replace)
    assert code == 0, "".join(lines)
    by = attackers(lines)
    assert len(by) == SHARDS
    assert by[0] == f"tcp://127.0.0.1:{first}"
    assert by[-1] == f"tcp://127.0.0.1:{second}"
    assert project.differences(by_threads) == []


def test_workers_of_two_processors_are_said_and_their_shards_kept_apart(
    in_shards, by_threads, cluster, tmp_path, program, clean_environment
):
    """One warning names both types; a late worker of a third type is left out."""
    project = on(cluster, in_shards, tmp_path / "project")
    other, third = tmp_path / "other.py", tmp_path / "third.py"
    other.write_text(OTHER, "utf-8")
    third.write_text(OTHER.replace("Another", "Third"), "utf-8")
    cluster.worker(free_port())
    cluster.worker(free_port(), "--preload", str(other))
    wait_for_workers(cluster, 2)
    late = free_port()

    def join():
        cluster.worker(late, "--preload", str(third))
        wait_for_workers(cluster, 3)

    code, lines = watched(project, program, clean_environment, join)
    said = " ".join("".join(lines).split())
    assert code == 0, said
    (warning,) = re.findall(r"warning: the workers compute with (.+?): their last bits", said)
    assert "Another Processor" in warning.split(" and with ")
    assert len(set(attackers(lines))) == 2
    assert f"tcp://127.0.0.1:{late}" not in attackers(lines)
    # They are of one type in truth, so that the tables are the same bytes; their shards are others.
    assert project.differences(by_threads) == []
    shards = [
        {path.parent.name for path in (one.root / ".adversity" / "store").rglob("*.parquet")}
        for one in (project, by_threads)
    ]
    assert not shards[0] & shards[1]


def wait_for_workers(cluster, count):
    """Return when a cluster has so many workers."""
    from distributed import Client

    with Client(cluster.address, set_as_default=False) as client:
        client.wait_for_workers(count, timeout=60)


def test_tls_with_certificates_of_one_s_own(
    in_shards, by_threads, tmp_path, program, clean_environment
):
    """Who has the certificate computes; a run without it is told, with exit code 2."""
    pem = certificate(tmp_path / "cluster.pem")
    place = "DASK_DISTRIBUTED__COMM__TLS__"
    roles = ("CLIENT", "SCHEDULER", "WORKER")
    secret = {f"{place}{role}__{kind}": pem for role in roles for kind in ("CERT", "KEY")}
    secret |= {f"{place}CA_FILE": pem, "DASK_DISTRIBUTED__COMM__REQUIRE_ENCRYPTION": "true"}
    cluster = Cluster(tmp_path, clean_environment | secret, protocol="tls")
    try:
        cluster.worker(free_port())
        project = on(cluster, in_shards, tmp_path / "project")
        refused = project.run(code=2)
        said = " ".join(refused.err.split())
        assert f"run.address {cluster.address}: expected certificates in Dask's" in said
        assert "Traceback" not in refused.err
        code, lines = watched(project, program, clean_environment | secret, lambda: None)
        assert code == 0, "".join(lines)
        assert all(by.startswith("tls://") for by in attackers(lines))
        assert len(attackers(lines)) == SHARDS
        assert project.differences(by_threads) == []
    finally:
        cluster.end()


def certificate(path):
    """Write a key and a certificate that it signed itself, for 127.0.0.1; return the path."""
    x509 = pytest.importorskip("cryptography.x509")
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "cluster")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]),
            critical=False,
        )
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    path.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return str(path)
