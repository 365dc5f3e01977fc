#!/usr/bin/env python3
"""Builds the same projects with attpc and ninja, one after the other, and compares what it costs.

See README.md beside this file for what is measured and how to read it. Needs Python 3.9 or newer
and nothing else from Python's side.
"""

import argparse
import datetime
import json
import os
import pathlib
import platform
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time

SCENARIOS = ["cold", "no-op", "one input changed"]
# The memory of the running engine is looked at after this many seconds at first, then less and
# less often, so that short runs are seen and long ones are not disturbed.
FIRST_LOOK = 0.0005
LONGEST_INTERVAL = 0.05

RECIPE = """\
let files = scan("in/{{n}}.txt");

rule("copy", #{{
    over:   files,
    input:  "in/{{n}}.txt",
    output: "out/{{n}}.txt",
    {command},
}});

default_targets("copy");
"""

COMMANDS = {
    "argv": 'argv:   ["cp", "{input}", "{output}"]',
    "shell": 'shell:  "cp {input} {output}"',
}


def write_inputs(project, count):
    (project / "in").mkdir(parents=True)
    for n in range(count):
        (project / "in" / f"{n}.txt").write_text(f"contents of file {n}\n")


def write_attpc(project, count, variant):
    write_inputs(project, count)
    (project / "recipe.rhai").write_text(RECIPE.format(command=COMMANDS[variant]))


def write_ninja(project, count, _variant):
    write_inputs(project, count)
    # ninja makes directories of outputs itself and always starts commands through a shell.
    lines = ["rule copy", "  command = cp $in $out", ""]
    lines += [f"build out/{n}.txt: copy in/{n}.txt" for n in range(count)]
    (project / "build.ninja").write_text("\n".join(lines) + "\n")


class MemoryWatch(threading.Thread):
    """Follows the peak memory of one process through /proc, in bytes.

    What the kernel reports at the end of a child includes the memory of this script, from before
    the child's own program began, so it is of no use for a small engine.
    """

    def __init__(self, pid):
        super().__init__(daemon=True)
        self.status = f"/proc/{pid}/status"
        self.peak = 0
        self.over = threading.Event()

    def run(self):
        interval = FIRST_LOOK
        while not self.over.wait(interval):
            self.look()
            interval = min(interval * 1.2, LONGEST_INTERVAL)

    def look(self):
        try:
            with open(self.status, encoding="ascii") as text:
                for line in text:
                    if line.startswith("VmHWM:"):
                        self.peak = max(self.peak, int(line.split()[1]) * 1024)
        except OSError:
            pass


def measure(argv, log):
    """Runs a command and gives what it and everything it waited for took."""
    load = os.getloadavg()[0]
    with open(log, "wb") as output:
        begin = time.perf_counter()
        child = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
        watch = MemoryWatch(child.pid)
        watch.look()
        watch.start()
        _, status, usage = os.wait4(child.pid, 0)
        wall = time.perf_counter() - begin
    child.returncode = os.waitstatus_to_exitcode(status)
    watch.over.set()
    watch.join()
    if child.returncode != 0:
        sys.stderr.write(pathlib.Path(log).read_text(errors="replace")[-2000:])
        sys.exit(f"error: {' '.join(map(str, argv))} ended with {child.returncode}")
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    peak = usage.ru_maxrss * 1024
    return {
        "wall_s": wall,
        "user_s": usage.ru_utime,
        "system_s": usage.ru_stime,
        "cpu_s": usage.ru_utime + usage.ru_stime,
        "peak_memory": max(watch.peak, peak if peak > own else 0) or None,
        "load_before": load,
    }


def stamps(project):
    return {
        entry.name: (entry.stat().st_mtime_ns, entry.stat().st_ino)
        for entry in os.scandir(project / "out")
    }


def check_contents(project, count):
    for n in range(count):
        made = (project / "out" / f"{n}.txt").read_bytes()
        if made != (project / "in" / f"{n}.txt").read_bytes():
            sys.exit(f"error: {project}/out/{n}.txt is not what it should be")


def play(project, argv, count, report):
    """Cold, no-op and one change, checking each time that the right outputs were touched."""
    log = project / "build.log"
    report("cold", measure(argv, log))
    check_contents(project, count)
    before = stamps(project)
    report("no-op", measure(argv, log))
    if stamps(project) != before:
        sys.exit("error: the no-op build touched outputs")
    (project / "in" / f"{count // 2}.txt").write_text("something else\n")
    report("one input changed", measure(argv, log))
    check_contents(project, count)
    after = stamps(project)
    touched = [name for name in before if before[name] != after[name]]
    if touched != [f"{count // 2}.txt"]:
        sys.exit(f"error: one input changed, but {len(touched)} outputs did")


def engines(options):
    found = {}
    if options.only != "ninja":
        attpc = str(pathlib.Path(options.attpc).resolve())
        found["attpc"] = (
            write_attpc,
            lambda project: [attpc, "-C", project, "build", "-j", str(options.jobs)],
        )
    if options.only != "attpc":
        found["ninja"] = (
            write_ninja,
            lambda project: [options.ninja, "-C", project, "-j", str(options.jobs)],
        )
    return found


def measure_all(options, space):
    results = []
    for count in options.sizes:
        for variant in COMMANDS:
            for repeat in range(options.repeats):
                for engine, (write, argv) in engines(options).items():
                    project = space / f"{engine}-{variant}-{count}-{repeat}"
                    write(project, count, variant)
                    # What was just written would otherwise go to the disk during the build.
                    os.sync()

                    def report(scenario, numbers):
                        row = {"engine": engine, "variant": variant, "actions": count}
                        row.update(scenario=scenario, repeat=repeat, **numbers)
                        results.append(row)
                        print(f"{engine:6} {variant:6} {count:6} {scenario:18}"
                              f" {numbers['wall_s']:8.3f} s wall {numbers['cpu_s']:8.3f} s cpu"
                              f" {(numbers['peak_memory'] or 0) / 1e6:7.1f} MB", flush=True)

                    play(project, argv(project), count, report)
    return results


def median(results, quantity, **wanted):
    values = [row[quantity] for row in results
              if all(row[name] == value for name, value in wanted.items())]
    known = [value for value in values if value is not None]
    return statistics.median(known) if known else None


def table(results):
    """Medians over the repeats, and attpc's share of ninja's."""
    quantities = [("wall_s", "wall s", 1), ("cpu_s", "cpu s", 1), ("peak_memory", "memory MB", 1e6)]
    head = ["actions", "commands", "scenario"]
    for _, title, _ in quantities:
        head += [f"attpc {title}", f"ninja {title}", "ratio"]
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    groups = dict.fromkeys((row["actions"], row["variant"]) for row in results)
    for count, variant in groups:
        for scenario in SCENARIOS:
            cells = [str(count), variant, scenario]
            for quantity, _, unit in quantities:
                wanted = {"actions": count, "variant": variant, "scenario": scenario}
                ours = median(results, quantity, engine="attpc", **wanted)
                theirs = median(results, quantity, engine="ninja", **wanted)
                cells += ["-" if value is None else f"{value / unit:.3f}"
                          for value in (ours, theirs)]
                cells += ["-" if None in (ours, theirs) or not theirs else f"{ours / theirs:.2f}"]
            lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def first_line(argv):
    try:
        done = subprocess.run(argv, capture_output=True, text=True, check=True)
        return done.stdout.strip().splitlines()[0]
    except (OSError, subprocess.CalledProcessError, IndexError):
        return "not there"


def processor():
    with open("/proc/cpuinfo", encoding="utf-8") as text:
        for line in text:
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return "unknown"


def machine(options):
    return {
        "date": datetime.datetime.now().isoformat(timespec="seconds"),
        "processor": processor(),
        "cores": len(os.sched_getaffinity(0)),
        "kernel": platform.release(),
        "file_system": first_line(["stat", "-f", "-c", "%T", str(options.space)]),
        "attpc": first_line([options.attpc, "--version"]),
        "ninja": first_line([options.ninja, "--version"]),
        "jobs": options.jobs,
        "repeats": options.repeats,
        "load_at_start": os.getloadavg()[0],
    }


def arguments():
    cores = len(os.sched_getaffinity(0))
    root = pathlib.Path(__file__).resolve().parents[2]
    today = datetime.date.today().isoformat()
    runs = root / "benches" / "runs" / f"{today}-{cores}core-{platform.machine()}"
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--attpc", default=str(root / "target" / "release" / "attpc"))
    parser.add_argument("--ninja", default="ninja")
    parser.add_argument("--only", choices=["attpc", "ninja"], help="measure one engine alone")
    parser.add_argument("--sizes", type=lambda text: [int(size) for size in text.split(",")],
                        default=[1000, 10000], help="numbers of actions, with commas")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--jobs", type=int, default=cores)
    parser.add_argument("--space", type=pathlib.Path, default=pathlib.Path(tempfile.gettempdir()),
                        help="directory on the file system to measure on")
    parser.add_argument("--out", type=pathlib.Path, default=runs, help="where the numbers go")
    return parser.parse_args()


def main():
    options = arguments()
    notes = machine(options)
    space = pathlib.Path(tempfile.mkdtemp(prefix="attpc-bench-", dir=options.space))
    try:
        results = measure_all(options, space)
    finally:
        # Only now: files deleted a moment ago make the creation of others slow on ext4.
        shutil.rmtree(space)
    options.out.mkdir(parents=True, exist_ok=True)
    with open(options.out / "engine.jsonl", "w", encoding="utf-8") as raw:
        for row in [{"machine": notes}, *results]:
            raw.write(json.dumps(row) + "\n")
    facts = "\n".join(f"- {name}: {value}" for name, value in notes.items())
    summary = f"# Engine beside ninja\n\n{facts}\n\nMedians:\n\n{table(results)}\n"
    (options.out / "engine.md").write_text(summary, encoding="utf-8")
    print(summary)
    print(f"raw numbers: {options.out / 'engine.jsonl'}")


if __name__ == "__main__":
    main()
