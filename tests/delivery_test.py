#!/usr/bin/env python3
"""`grapevine send` and `grapevine request` between real processes: what arrives, and what each failure says."""

import base64
import json
import os
import signal
import sys
import threading

import cli_support as cli

UP = ("up", "--meshes", "2", "--per-mesh", "broker=2,gateway=1", "--json", "--no-collector")
LARGEST = 60 * 1024


class Meshes:
    """Two meshes, each with a gateway and two brokers."""

    def __init__(self, home):
        self.home = home
        self.up = cli.Program(home, *UP)

    def __enter__(self):
        self.nodes = json.loads(self.up.line(60))["nodes"]
        return self

    def __exit__(self, *_):
        self.up.end(signal.SIGTERM, 10)
        self.up.__exit__()

    def node(self, mesh, node_type, which=0):
        return [n for n in self.nodes if n["mesh"] == mesh and n["type"] == node_type][which]

    def run(self, command, *words, source=None, **more):
        source = source or self.node("mesh1", "gateway")
        return cli.run(self.home, command, "--data-dir", source["data_dir"], *words, **more)


def any_of_a_type_answers(meshes):
    code, out, err = meshes.run("request", "mesh1.broker", "hello")
    assert (code, out) == (0, "hello\n"), (code, out, err)
    code, out, err = meshes.run("send", "mesh1.broker", "hello")
    assert code == 0 and out.startswith("acknowledged by mesh1.broker.") and out.endswith(" ms\n"), (code, out, err)
    code, out, _ = meshes.run("send", "--quiet", "mesh1.broker", "hello")
    assert (code, out) == (0, ""), (code, out)


def a_name_and_an_id_mean_one_node(meshes):
    broker = meshes.node("mesh1", "broker", 1)
    for name in (broker["name"], broker["id"]):
        code, out, err = meshes.run("request", "--json", name, "x")
        answer = json.loads(out)
        assert code == 0 and answer["ok"] and answer["ending"] == "acknowledged", (code, out, err)
        assert (answer["peer"], answer["peer_name"]) == (broker["id"], broker["name"]), answer
        assert answer["attempts"] == 1 and answer["handled"] == "yes", answer
    own = meshes.node("mesh1", "gateway")
    assert meshes.run("request", own["name"], "to itself")[:2] == (0, "to itself\n")


def stdin_is_sent_byte_for_byte(meshes):
    payload = os.urandom(LARGEST)
    code, out, err = meshes.run("request", "--json", "mesh1.broker", stdin=payload)
    assert code == 0 and base64.b64decode(json.loads(out)["payload_base64"]) == payload, (code, err)
    code, out, err = meshes.run("request", "mesh1.broker", "-", stdin=b"piped")
    assert (code, out) == (0, "piped\n"), (code, out, err)
    assert meshes.run("request", "mesh1.broker", "")[:2] == (0, "\n")


def each_failure_has_its_words_and_code(meshes):
    for name, expected, words in (
            ("mesh1.registry", 4, "no such node"),
            ("mesh1.broker.000000", 4, "no such node"),
            ("nonsense", 4, "no such node"),
            ("mesh9.broker", 4, "no such mesh"),
            ("00" * 32, 3, "cannot be reached")):
        code, out, err = meshes.run("send", "--timeout", "1", name, "x")
        assert code == expected and out == "" and err.count("\n") == 1, (name, code, out, err)
        assert name[:20] in err and words in err, err
    code, _, err = meshes.run("send", "mesh1.broker", stdin=bytes(LARGEST + 1))
    assert code == 2 and str(LARGEST) in err, (code, err)
    for words in (("mesh 1", "x"), ("", "x"), ("mesh1.broker", "x", "y"), ()):
        code, _, err = meshes.run("send", *words)
        assert code == 2 and err.startswith("grapevine: "), (words, code, err)
    assert meshes.run("send", "--timeout", "61", "mesh1.broker", "x")[0] == 2


def a_stopped_process_is_waited_for(meshes):
    broker = meshes.node("mesh2", "broker")
    source = meshes.node("mesh2", "gateway")
    assert meshes.run("send", broker["name"], "warm", source=source)[0] == 0
    os.kill(broker["pid"], signal.SIGSTOP)
    try:
        code, out, err = meshes.run("send", "--timeout", "1", broker["name"], "x", source=source)
    finally:
        os.kill(broker["pid"], signal.SIGCONT)
    assert code == 124 and out == "" and "may have been handled" in err, (code, out, err)


def many_at_once_all_arrive(meshes):
    answers = []

    def ask(number):
        answers.append(meshes.run("request", "mesh1.broker", str(number))[:2] == (0, f"{number}\n"))

    askers = [threading.Thread(target=ask, args=(number,)) for number in range(8)]
    for asker in askers:
        asker.start()
    for asker in askers:
        asker.join()
    assert answers == [True] * 8, answers


def a_broker_that_leaves_loses_nothing(meshes):
    source = meshes.node("mesh2", "gateway")
    broker = meshes.node("mesh2", "broker")
    answers = []

    def ask(first):
        for number in range(first, first + 10):
            result = meshes.run("request", "mesh2.broker", str(number), source=source)
            answers.append(result if result[:2] != (0, f"{number}\n") else None)

    askers = [threading.Thread(target=ask, args=(10 * i,)) for i in range(4)]
    for asker in askers:
        asker.start()
    cli.wait_until(lambda: len(answers) >= 8, 30, "the first answers")
    os.kill(broker["pid"], signal.SIGTERM)
    for asker in askers:
        asker.join()
    assert answers == [None] * 40, [answer for answer in answers if answer]
    cli.wait_until(lambda: not cli.is_alive(broker["pid"]), 10, "the broker is gone")


def the_figures_and_the_ledger_agree(meshes):
    source = meshes.node("mesh1", "gateway")
    status = json.loads(cli.run(meshes.home, "status", "--json", "--data-dir", source["data_dir"])[1])
    figures = status["figures"]
    assert figures["delivery.ended.acknowledged"] > 10 and figures["delivery.waiting"] == 0, figures
    assert figures["delivery.ended.no_such_node"] == 3 and figures["delivery.ended.unknown_mesh"] == 1, figures
    assert figures["ledger.laws_broken_ever"] == 0, figures


def deliveries(home):
    with Meshes(home) as meshes:
        for check in (any_of_a_type_answers, a_name_and_an_id_mean_one_node, stdin_is_sent_byte_for_byte,
                      each_failure_has_its_words_and_code, a_stopped_process_is_waited_for,
                      many_at_once_all_arrive, a_broker_that_leaves_loses_nothing, the_figures_and_the_ledger_agree):
            print(f"        {check.__name__}", flush=True)
            check(meshes)


if __name__ == "__main__":
    sys.exit(cli.main([deliveries]))
