//! Tests of the whole machine: fixed cases, then random ones against the rules of the room card.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use proptest::prelude::*;

use crate::model::resources::Resources;
use crate::schedule::capacity::Capacity;
use crate::schedule::limits;
use crate::schedule::scheduler::{End, Event, Order, Request, Scheduler};

const START: Duration = Duration::ZERO;

fn machine(cores: u32) -> Capacity {
    Capacity { cores, memory: Some(16), gpus: 2, pools: [("tape".to_owned(), 2)].into() }
}

fn needs(cores: u32, memory: u64, gpus: u32, tape: u32) -> Resources {
    let pools = BTreeMap::from([("tape".to_owned(), tape)]);
    Resources { cores, memory: Some(memory), gpus, pools, time: None }
}

fn ready(action: u32, cores: u32, priority: u64) -> Event {
    ready_with(action, needs(cores, 0, 0, 0), (priority, 0))
}

fn ready_with(action: u32, resources: Resources, (priority, retries): (u64, u32)) -> Event {
    let resources = machine(64).admit(&resources).unwrap();
    Event::Ready(Request { action, resources, priority, retries })
}

fn done(action: u32) -> Event {
    Event::Ended { action, end: End::Done }
}

fn start(action: u32) -> Order {
    Order::Start { action, attempt: 1, gpus: Vec::new() }
}

#[test]
fn the_highest_priority_that_fits_starts_first() {
    let mut scheduler = Scheduler::new(machine(2));
    assert_eq!(scheduler.step(ready(0, 2, 0), START), [start(0)]);
    for (action, priority) in [(1, 5), (2, 9), (3, 9)] {
        assert_eq!(scheduler.step(ready(action, 1, priority), START), []);
    }
    assert_eq!(scheduler.step(done(0), START), [start(2), start(3)]);
    assert_eq!(scheduler.step(done(3), START), [start(1)]);
    scheduler.sanity_check();
}

#[test]
fn small_actions_delay_a_large_one_only_so_often() {
    let mut scheduler = Scheduler::new(machine(4));
    scheduler.step(ready(0, 1, 0), START);
    scheduler.step(ready(1, 4, 9), START);
    let overtakes = (2..100)
        .filter(|&action| {
            let orders = scheduler.step(ready(action, 1, 1), START);
            orders.iter().for_each(|_| drop(scheduler.step(done(action), START)));
            scheduler.sanity_check();
            !orders.is_empty()
        })
        .count();
    assert_eq!(overtakes as u32, limits::OVERTAKES_PER_CORE * 4);
    let orders = scheduler.step(done(0), START);
    assert_eq!(orders, [start(1)], "the large one starts when its room is there");
    assert_eq!(scheduler.step(done(1), START).len(), 4);
}

#[test]
fn what_a_reservation_does_not_need_stays_usable() {
    let mut scheduler = Scheduler::new(machine(4));
    scheduler.step(ready_with(0, needs(1, 0, 2, 0), (0, 0)), START);
    scheduler.step(ready_with(1, needs(1, 0, 1, 0), (9, 0)), START);
    // The second waits for a graphics processor and needs one of the four cores: two remain.
    for action in 2..40 {
        let orders = scheduler.step(ready(action, 1, 1), START);
        assert_eq!(orders, [start(action)]);
        scheduler.step(done(action), START);
    }
    let orders = scheduler.step(done(0), START);
    assert_eq!(orders, [Order::Start { action: 1, attempt: 1, gpus: vec![0] }]);
}

#[test]
fn retries_wait_longer_each_time_and_then_it_is_given_up() {
    let mut scheduler = Scheduler::new(machine(1));
    let failed = || Event::Ended { action: 0, end: End::Failed { retry: true } };
    let at = Duration::from_secs;
    scheduler.step(ready_with(0, needs(1, 0, 0, 0), (0, 2)), START);
    let retry = |attempt, seconds| Order::RetryAt { action: 0, attempt, at: at(seconds) };
    let again = |attempt| Order::Start { action: 0, attempt, gpus: Vec::new() };
    assert_eq!(scheduler.step(failed(), at(10)), [retry(2, 11)]);
    assert_eq!(scheduler.step(Event::Tick, at(10)), []);
    assert_eq!(scheduler.next_retry(), Some(at(11)));
    assert_eq!(scheduler.step(Event::Tick, at(11)), [again(2)]);
    assert_eq!(scheduler.step(failed(), at(20)), [retry(3, 22)]);
    assert_eq!(scheduler.step(Event::Tick, at(22)), [again(3)]);
    assert_eq!(scheduler.step(failed(), at(30)), [Order::GaveUp { action: 0 }]);
    assert!(scheduler.is_idle());
}

#[test]
fn failures_that_repeat_themselves_are_not_retried() {
    let mut scheduler = Scheduler::new(machine(1));
    scheduler.step(ready_with(0, needs(1, 0, 0, 0), (0, 5)), START);
    let failed = Event::Ended { action: 0, end: End::Failed { retry: false } };
    assert_eq!(scheduler.step(failed, START), [Order::GaveUp { action: 0 }]);
}

#[test]
fn stopping_drops_what_waits_and_lets_what_runs_end() {
    let mut scheduler = Scheduler::new(machine(1));
    scheduler.step(ready(0, 1, 0), START);
    scheduler.step(ready(1, 1, 0), START);
    assert_eq!(scheduler.step(Event::StopStarting, START), [Order::Dropped { action: 1 }]);
    assert_eq!(scheduler.step(ready(2, 1, 0), START), [Order::Dropped { action: 2 }]);
    assert_eq!(scheduler.running(), 1);
    assert_eq!(scheduler.step(done(0), START), []);
    assert!(scheduler.is_idle());
}

#[test]
fn a_cancelled_action_is_stopped_and_not_retried() {
    let mut scheduler = Scheduler::new(machine(1));
    scheduler.step(ready_with(0, needs(1, 0, 0, 0), (0, 3)), START);
    scheduler.step(ready(1, 1, 0), START);
    let cancel = |action| Event::Cancel { action };
    assert_eq!(scheduler.step(cancel(1), START), [Order::Dropped { action: 1 }]);
    assert_eq!(scheduler.step(cancel(0), START), [Order::Stop { action: 0 }]);
    let failed = Event::Ended { action: 0, end: End::Failed { retry: true } };
    assert_eq!(scheduler.step(failed, START), [Order::GaveUp { action: 0 }]);
}

#[test]
fn news_of_actions_that_do_not_run_changes_nothing() {
    let mut scheduler = Scheduler::new(machine(1));
    assert_eq!(scheduler.step(done(7), START), []);
    assert_eq!(scheduler.step(Event::Cancel { action: 7 }, START), []);
    scheduler.step(ready(0, 1, 0), START);
    assert_eq!(scheduler.step(ready(0, 1, 0), START), []);
    assert_eq!((scheduler.running(), scheduler.waiting()), (1, 0));
}

#[test]
fn a_hundred_thousand_ready_actions_are_started_one_by_one() {
    const MANY: u32 = 100_000;
    let mut scheduler = Scheduler::new(machine(8));
    let mut started = Vec::new();
    for action in 0..MANY {
        // Every action has a memory need of its own class out of twelve.
        let event = ready_with(action, needs(1, u64::from(action % 12), 0, 0), (0, 0));
        started.extend(scheduler.step(event, START));
    }
    let mut next = 0;
    while let Some(Order::Start { action, .. }) = started.get(next).cloned() {
        started.extend(scheduler.step(done(action), START));
        next += 1;
    }
    assert_eq!(started.len(), MANY as usize);
    scheduler.sanity_check();
}

/// One action of a random build.
#[derive(Clone, Debug)]
struct Job {
    resources: Resources,
    priority: u64,
    retries: u32,
    /// How many attempts fail before one succeeds.
    failures: u32,
}

fn jobs() -> impl Strategy<Value = Vec<Job>> {
    let job = (1..=8u32, 0..=16u64, 0..=2u32, 0..=2u32, 0..4u64, 0..3u32, 0..3u32).prop_map(
        |(cores, memory, gpus, tape, priority, retries, failures)| Job {
            resources: needs(cores, memory, gpus, tape),
            priority,
            retries,
            failures,
        },
    );
    prop::collection::vec(job, 1..40)
}

/// What a watcher of the orders knows, kept apart from the scheduler's own books.
#[derive(Default)]
struct Watcher {
    running: BTreeMap<u32, Vec<u32>>,
    waiting: BTreeSet<u32>,
    retrying: BTreeSet<u32>,
    over: BTreeSet<u32>,
}

impl Watcher {
    fn see(&mut self, orders: Vec<Order>, jobs: &[Job], capacity: &Capacity) {
        for order in orders {
            match order {
                Order::Start { action, gpus, .. } => {
                    assert!(self.waiting.remove(&action) || self.retrying.remove(&action));
                    self.running.insert(action, gpus);
                }
                Order::RetryAt { action, .. } => assert!(self.retrying.insert(action)),
                Order::GaveUp { action } => assert!(self.over.insert(action)),
                Order::Dropped { action } => {
                    self.waiting.remove(&action);
                    self.retrying.remove(&action);
                    assert!(self.over.insert(action));
                }
                Order::Stop { action } => assert!(self.running.contains_key(&action)),
            }
        }
        let sum = |of: fn(&Resources) -> u64| -> u64 {
            self.running.keys().map(|&action| of(&jobs[action as usize].resources)).sum()
        };
        assert!(sum(|needs| u64::from(needs.cores)) <= u64::from(capacity.cores));
        assert!(sum(|needs| needs.memory.unwrap_or(0)) <= capacity.memory.unwrap_or(u64::MAX));
        assert!(sum(|needs| u64::from(needs.gpus)) <= u64::from(capacity.gpus));
        assert!(sum(|needs| u64::from(needs.pools["tape"])) <= u64::from(capacity.pools["tape"]));
        let gpus: Vec<u32> = self.running.values().flatten().copied().collect();
        assert_eq!(gpus.iter().collect::<BTreeSet<_>>().len(), gpus.len());
    }
}

/// Plays a random build to its end, or until a turn in which it is stopped; `dice` chooses what
/// happens next.
fn play(jobs: &[Job], dice: &[u16], stop_at: Option<usize>) {
    let capacity = machine(8);
    let mut scheduler = Scheduler::new(capacity.clone());
    let mut watcher = Watcher::default();
    let mut attempts = vec![0; jobs.len()];
    let (mut next, mut now) = (0, START);
    for turn in 0.. {
        assert!(turn < 2000, "the build ends");
        if stop_at == Some(turn) {
            return stop(scheduler, watcher, (jobs, &capacity));
        }
        let roll = usize::from(dice[turn % dice.len()]);
        let running = watcher.running.len().max(1);
        let unready = next < jobs.len();
        let event = if unready && (roll.is_multiple_of(2) || watcher.running.is_empty()) {
            let Job { resources, priority, retries, .. } = &jobs[next];
            watcher.waiting.insert(next as u32);
            next += 1;
            ready_with(next as u32 - 1, resources.clone(), (*priority, *retries))
        } else if let Some(&action) = watcher.running.keys().nth(roll % running) {
            watcher.running.remove(&action);
            attempts[action as usize] += 1;
            let failed = attempts[action as usize] <= jobs[action as usize].failures;
            if !failed {
                watcher.over.insert(action);
            }
            Event::Ended {
                action,
                end: if failed { End::Failed { retry: true } } else { End::Done },
            }
        } else if let Some(at) = scheduler.next_retry() {
            now = at;
            Event::Tick
        } else {
            break;
        };
        watcher.see(scheduler.step(event, now), jobs, &capacity);
        scheduler.sanity_check();
    }
    assert!(scheduler.is_idle());
    assert_eq!(watcher.over.len(), jobs.len(), "no action is lost");
}

/// Stops a build in the middle: what ran is ended by hand, what waited must be dropped.
fn stop(mut scheduler: Scheduler, mut watcher: Watcher, (jobs, capacity): (&[Job], &Capacity)) {
    watcher.see(scheduler.step(Event::StopStarting, START), jobs, capacity);
    assert!(watcher.waiting.is_empty() && watcher.retrying.is_empty());
    for action in 0..jobs.len() as u32 {
        let failed = Event::Ended { action, end: End::Failed { retry: true } };
        for order in scheduler.step(failed, START) {
            assert!(matches!(order, Order::GaveUp { .. }));
        }
    }
    scheduler.sanity_check();
    assert!(scheduler.is_idle());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn no_resource_is_exceeded_no_action_is_lost_and_it_ends(
        jobs in jobs(),
        dice in prop::collection::vec(0..10_000u16, 1..200),
        stop_at in prop::option::of(0..60usize),
    ) {
        play(&jobs, &dice, stop_at);
    }

    #[test]
    fn of_equal_needs_the_higher_priority_and_then_the_earlier_starts_first(
        priorities in prop::collection::vec(0..5u64, 1..50),
    ) {
        let mut scheduler = Scheduler::new(machine(1));
        let blocker = priorities.len() as u32;
        scheduler.step(ready(blocker, 1, 0), START);
        let mut expected: Vec<(u64, u32)> = Vec::new();
        for (action, &priority) in priorities.iter().enumerate() {
            scheduler.step(ready(action as u32, 1, priority), START);
            expected.push((u64::MAX - priority, action as u32));
        }
        expected.sort_unstable();
        let mut running = blocker;
        for (_, action) in expected {
            prop_assert_eq!(scheduler.step(done(running), START), [start(action)]);
            running = action;
        }
        scheduler.sanity_check();
    }

    #[test]
    fn a_large_action_starts_after_a_bounded_number_of_others(
        small in prop::collection::vec((1..=4u32, 0..8usize), 200),
        large in 5..=8u32,
    ) {
        // Small actions never run out and end in any order; the large one is first in line.
        let mut scheduler = Scheduler::new(machine(8));
        scheduler.step(ready(0, 4, 0), START);
        scheduler.step(ready(1, large, 9), START);
        let mut running = vec![0];
        let mut started = 0;
        for (at, (cores, which)) in small.into_iter().enumerate() {
            let next = ready(at as u32 + 2, cores, 1);
            let oldest = running.remove(which % running.len());
            let mut orders = scheduler.step(next, START);
            orders.extend(scheduler.step(done(oldest), START));
            scheduler.sanity_check();
            for order in orders {
                let Order::Start { action, .. } = order else { panic!("nothing else happens") };
                running.push(action);
                started += 1;
            }
            if running.contains(&1) {
                break;
            }
        }
        prop_assert!(running.contains(&1), "it starts at all");
        // The allowed overtakes, then at most one start for each core beside the reservation.
        prop_assert!(started <= limits::OVERTAKES_PER_CORE * 8 + 8, "{}", started);
    }
}
