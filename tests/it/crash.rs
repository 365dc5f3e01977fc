//! Builds that are killed, interrupted, watched, or started twice.

use std::io::{BufRead, BufReader};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use crate::space::TestSpace;

const RUNS: usize = 6;

/// A chain for each run, with a directory output and two outputs at once, and a sum.
fn project() -> TestSpace {
    let space = TestSpace::new();
    space.write(
        "recipe.rhai",
        r#"
        let runs = scan("raw/{run}.txt");
        rule("first", #{ over: runs, input: "raw/{run}.txt", output: #{ a: "first/{run}.a", b: "first/{run}.b" },
            shell: "cat {input} > {output.a}; rev {input} > {output.b}" });
        rule("tree", #{ over: runs, input: #{ a: "first/{run}.a", b: "first/{run}.b" }, output: "tree/{run}/",
            shell: "cp {input.a} {output}/a; cp {input.b} {output}/b" });
        rule("sum", #{ input: "tree/{run}/", output: "sum.txt", shell: "cat $(find {input} -type f | sort) > {output}" });
        "#,
    );
    space
}

fn inputs(space: &TestSpace, round: usize) {
    for run in 0..RUNS {
        // Half of the inputs change from round to round.
        let content = if run % 2 == round % 2 { round } else { 0 };
        space.write(&format!("raw/{run}.txt"), &format!("run {run} content {content}\n"));
    }
}

fn expected(space: &TestSpace) -> String {
    let mut sum = String::new();
    for run in 0..RUNS {
        let text = space.read(&format!("raw/{run}.txt"));
        let reversed: String = text.trim_end().chars().rev().collect();
        sum.push_str(&format!("{text}{reversed}\n"));
    }
    sum
}

/// A small generator of reproducible numbers (xorshift, Marsaglia 2003).
pub struct Dice(pub u64);

impl Dice {
    pub fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}

fn start(space: &TestSpace, args: &[&str]) -> Child {
    let mut command = space.command(args);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().unwrap()
}

#[test]
fn a_build_killed_at_any_moment_is_finished_by_the_next() {
    let space = project();
    let seed = 20_240_711;
    let mut dice = Dice(seed);
    let mut killed = 0;
    let mut round = 0;
    // How long a build takes differs between machines: those that were over before their kill do
    // not count.
    while killed < 100 {
        round += 1;
        assert!(
            round < 1000,
            "only {killed} of {round} builds were still running when they were killed"
        );
        inputs(&space, round);
        let mut child = start(&space, &["build", "-j", "2"]);
        // Not a wait for anything: the moment of the kill is the case that is tested.
        let moment = Instant::now() + Duration::from_micros(dice.below(40_000));
        while Instant::now() < moment {
            std::hint::spin_loop();
        }
        child.kill().unwrap();
        killed += usize::from(child.wait().unwrap().signal() == Some(9));
        for run in 0..RUNS {
            // Whatever stands under a final name is whole: old or new, never half.
            if let Ok(text) = std::fs::read_to_string(space.path().join(format!("first/{run}.a"))) {
                assert!(text.starts_with(&format!("run {run} content ")) && text.ends_with('\n'));
            }
        }
        let words = space.run(&["build"]);
        assert_eq!(words.code, Some(0), "seed {seed}, round {round}: {}", words.stderr);
        assert_eq!(space.read("sum.txt"), expected(&space), "seed {seed}, round {round}");
    }
    let text = space.run(&["build", "--json"]).ok();
    assert!(text.contains("\"executed\":0,"), "{text}");
    let text = space.run(&["doctor"]).ok();
    assert!(!text.contains("bad"), "{text}");
}

/// A project whose build stops half way until a file appears.
fn waiting() -> TestSpace {
    let space = TestSpace::new();
    space.write(
        "recipe.rhai",
        r#"
        rule("quick", #{ output: "quick.txt", shell: "echo quick > {output}" });
        rule("slow", #{ input: "quick.txt", output: "slow.txt",
            shell: "echo begun; trap 'echo bye; exit 7' INT; touch ready; while [ ! -e go ]; do sleep 0.02; done; cat {input} > {output}" });
        "#,
    );
    space
}

/// Starts a build and returns once the slow action runs.
fn start_waiting(space: &TestSpace) -> (Child, BufReader<std::process::ChildStdout>) {
    let mut child = start(space, &["build", "--json"]);
    let mut events = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    while !(line.contains("action_started") && line.contains("\"slow\"")) {
        line.clear();
        assert!(events.read_line(&mut line).unwrap() > 0, "the build ended early");
    }
    // From here on the command answers signals in its own way.
    while !space.path().join("ready").exists() {
        std::thread::yield_now();
    }
    (child, events)
}

fn signal(child: &Child, signal: rustix::process::Signal) {
    let pid = rustix::process::Pid::from_child(child);
    rustix::process::kill_process(pid, signal).unwrap();
}

#[test]
fn readers_answer_while_a_build_runs_and_a_second_build_says_who_holds_the_lock() {
    let space = waiting();
    let (mut child, _events) = start_waiting(&space);
    let status = space.run(&["status"]).ok();
    assert!(
        status.contains("building now: process") && status.contains("running  slow"),
        "{status}"
    );
    let why = space.run(&["why", "slow.txt"]).ok();
    assert!(why.contains("never built"), "{why}");
    assert!(space.run(&["graph"]).ok().contains("slow"));
    assert!(space.run(&["plan", "--json"]).ok().contains("stale"));
    let words = space.run(&["build", "--no-wait"]).fails_with(5);
    assert!(words.contains("another build holds the lock: process"), "{words}");
    let mut log = start(&space, &["log", "-f", "slow"]);
    let mut text = String::new();
    BufReader::new(log.stdout.take().unwrap()).read_line(&mut text).unwrap();
    assert_eq!(text, "begun\n");
    let second = start(&space, &["build", "--json"]);
    space.write("go", "");
    assert!(child.wait().unwrap().success());
    assert!(log.wait().unwrap().success());
    let second = second.wait_with_output().unwrap();
    let events = String::from_utf8(second.stdout).unwrap();
    assert!(events.lines().last().unwrap().contains("\"executed\":0,"), "{events}");
}

#[test]
fn an_interrupt_ends_what_runs_and_keeps_what_is_done() {
    let space = waiting();
    let (mut child, _events) = start_waiting(&space);
    signal(&child, rustix::process::Signal::INT);
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert_eq!(space.read("quick.txt"), "quick\n");
    assert!(!space.path().join("slow.txt").exists());
    assert!(space.run(&["log", "slow"]).ok().contains("bye"));
    space.write("go", "");
    let text = space.run(&["build", "--json"]).ok();
    assert!(text.contains("\"executed\":1,\"restored\":0,\"fresh\":1,"), "{text}");
}

#[test]
fn a_second_interrupt_kills_at_once() {
    let space = waiting();
    let deaf = space.read("recipe.rhai").replace("trap 'echo bye; exit 7' INT", "trap '' INT TERM");
    space.write("recipe.rhai", &deaf);
    let (mut child, mut events) = start_waiting(&space);
    signal(&child, rustix::process::Signal::INT);
    let mut line = String::new();
    while !line.contains("\"stopping\"") {
        line.clear();
        assert!(events.read_line(&mut line).unwrap() > 0);
    }
    signal(&child, rustix::process::Signal::INT);
    assert_eq!(child.wait().unwrap().code(), Some(130));
}

#[test]
fn a_lost_terminal_does_not_end_a_build() {
    let space = waiting();
    let (mut child, _events) = start_waiting(&space);
    signal(&child, rustix::process::Signal::HUP);
    space.write("go", "");
    assert!(child.wait().unwrap().success());
    assert_eq!(space.read("slow.txt"), "quick\n");
}

#[test]
fn what_a_killed_build_left_running_is_ended_by_the_next() {
    let space = waiting();
    let (mut child, _events) = start_waiting(&space);
    child.kill().unwrap();
    child.wait().unwrap();
    space.write("go", "");
    let done = space.run(&["build"]);
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    assert_eq!(space.read("slow.txt"), "quick\n");
    let left = std::fs::read_dir(space.path().join(".attpc/work")).unwrap().count();
    assert_eq!(left, 0, "private directories were swept");
}

#[test]
fn an_input_that_changes_under_a_command_is_noticed_and_the_command_runs_again() {
    let space = TestSpace::new();
    space.write("raw.txt", "old\n");
    space.write(
        "recipe.rhai",
        r#"rule("copy", #{ input: "raw.txt", output: "copy.txt",
            shell: "cat {input} > {output}; [ -e once ] || {{ touch once; echo new > {input}; }}" });"#,
    );
    let words = space.run(&["build"]);
    assert_eq!(words.code, Some(0), "{}", words.stderr);
    assert!(
        words.stderr.contains("input `raw.txt` changed while the command ran"),
        "{}",
        words.stderr
    );
    assert_eq!(space.read("copy.txt"), "new\n");
    let text = space.run(&["build", "--json"]).ok();
    assert!(text.contains("\"executed\":0,"), "{text}");
}
