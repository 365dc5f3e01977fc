//! The state machine: events in, orders out.
//!
//! It knows nothing of graphs: an action is made ready by whoever watches its prerequisites. Time
//! is a number that only grows, counted from any moment, so tests step it.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use crate::schedule::capacity::{Admitted, Amounts, Capacity};
use crate::schedule::limits;

/// An action that may start as soon as there is room.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// Number within the build's graph; small, because tables are indexed by it.
    pub action: u32,
    pub resources: Admitted,
    /// Higher starts first; see [`crate::schedule::priorities`].
    pub priority: u64,
    /// How many further attempts a failure may have.
    pub retries: u32,
}

/// What the scheduler is told.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// An action's prerequisites are met. Said again of one that waits or runs, it changes nothing.
    Ready(Request),
    /// A running attempt is over. Said of an action that does not run, it changes nothing.
    Ended { action: u32, end: End },
    /// Time has passed; retries may be due.
    Tick,
    /// Nothing new is to start: what waits is dropped, what runs may end.
    StopStarting,
    /// One action is no longer wanted.
    Cancel { action: u32 },
}

/// How an attempt ended, as far as the scheduler cares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    Done,
    /// `retry` says whether another attempt makes sense for this class of failure.
    Failed {
        retry: bool,
    },
}

/// What the scheduler wants done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Order {
    /// Start an attempt (counted from one) on the graphics processors with these numbers.
    Start { action: u32, attempt: u32, gpus: Vec<u32> },
    /// The attempt failed; `attempt` will be ordered at `at`, given a [`Event::Tick`] then.
    RetryAt { action: u32, attempt: u32, at: Duration },
    /// The attempt failed and there will be no other.
    GaveUp { action: u32 },
    /// The action waited and will not start.
    Dropped { action: u32 },
    /// The action runs and is to be ended; it stays running until [`Event::Ended`] is told.
    Stop { action: u32 },
}

/// Best first: higher priority, then earlier ready. Unique, because no two share a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Rank {
    priority: Reverse<u64>,
    number: u64,
}

#[derive(Clone, Debug, PartialEq)]
enum State {
    /// Never heard of.
    Unknown,
    Waiting,
    Running {
        gpus: Vec<u32>,
    },
    /// Failed, and waits for the time of its next attempt.
    Delayed {
        until: Duration,
    },
    /// Done, given up or dropped.
    Over,
}

#[derive(Clone, Debug)]
struct Entry {
    state: State,
    class: usize,
    rank: Rank,
    /// Attempts started so far.
    attempts: u32,
    retries: u32,
    /// Starts of others while this one was first in line and did not fit.
    overtaken: u32,
}

impl Entry {
    const UNKNOWN: Entry = Entry {
        state: State::Unknown,
        class: 0,
        rank: Rank { priority: Reverse(0), number: 0 },
        attempts: 0,
        retries: 0,
        overtaken: 0,
    };
}

/// Waiting actions of equal resources: if the first does not fit, none does.
#[derive(Clone, Debug)]
struct Class {
    amounts: Amounts,
    waiting: BTreeSet<(Rank, u32)>,
}

/// Decides what starts when. See the room card for the rules.
#[derive(Clone, Debug)]
pub struct Scheduler {
    capacity: Capacity,
    free: Amounts,
    free_gpus: BTreeSet<u32>,
    entries: Vec<Entry>,
    classes: Vec<Class>,
    class_of: HashMap<Amounts, usize>,
    /// The first waiting action of every class.
    heads: BTreeMap<Rank, usize>,
    delayed: BTreeSet<(Duration, u32)>,
    /// The action for which room is being made.
    reserved: Option<u32>,
    running: usize,
    waiting: usize,
    ready_count: u64,
    stopping: bool,
}

impl Scheduler {
    /// A scheduler with everything free.
    pub fn new(capacity: Capacity) -> Self {
        Scheduler {
            free: Amounts::of_capacity(&capacity),
            free_gpus: (0..capacity.gpus).collect(),
            capacity,
            entries: Vec::new(),
            classes: Vec::new(),
            class_of: HashMap::new(),
            heads: BTreeMap::new(),
            delayed: BTreeSet::new(),
            reserved: None,
            running: 0,
            waiting: 0,
            ready_count: 0,
            stopping: false,
        }
    }

    /// Takes in one event and says what to do now. `now` never goes back.
    pub fn step(&mut self, event: Event, now: Duration) -> Vec<Order> {
        let mut orders = Vec::new();
        match event {
            Event::Ready(request) => self.ready(request, &mut orders),
            Event::Ended { action, end } => orders.extend(self.ended(action, end, now)),
            Event::Tick => {}
            Event::StopStarting => self.stop_starting(&mut orders),
            Event::Cancel { action } => self.cancel(action, &mut orders),
        }
        self.wake(now);
        self.start_what_fits(&mut orders);
        orders
    }

    /// When the next retry is due; a [`Event::Tick`] is wanted then.
    pub fn next_retry(&self) -> Option<Duration> {
        self.delayed.first().map(|(at, _)| *at)
    }

    /// How many actions run.
    pub fn running(&self) -> usize {
        self.running
    }

    /// How many actions wait for room or for their next attempt.
    pub fn waiting(&self) -> usize {
        self.waiting + self.delayed.len()
    }

    /// True when nothing runs or waits.
    pub fn is_idle(&self) -> bool {
        self.running() + self.waiting() == 0
    }

    fn state(&self, action: u32) -> &State {
        self.entries.get(action as usize).map_or(&State::Unknown, |entry| &entry.state)
    }

    fn ready(&mut self, request: Request, orders: &mut Vec<Order>) {
        let action = request.action;
        if !matches!(self.state(action), State::Unknown | State::Over) {
            return;
        }
        if self.stopping {
            orders.push(Order::Dropped { action });
            return;
        }
        let index = action as usize;
        if self.entries.len() <= index {
            self.entries.resize(index + 1, Entry::UNKNOWN);
        }
        let class = self.class(Amounts::of_request(&request.resources, &self.capacity));
        let rank = Rank { priority: Reverse(request.priority), number: self.ready_count };
        self.ready_count += 1;
        self.entries[index] = Entry { class, rank, retries: request.retries, ..Entry::UNKNOWN };
        self.set(action, State::Waiting);
    }

    fn class(&mut self, amounts: Amounts) -> usize {
        let next = self.classes.len();
        let class = *self.class_of.entry(amounts.clone()).or_insert(next);
        if class == next {
            self.classes.push(Class { amounts, waiting: BTreeSet::new() });
        }
        class
    }

    fn ended(&mut self, action: u32, end: End, now: Duration) -> Option<Order> {
        if !matches!(self.state(action), State::Running { .. }) {
            return None;
        }
        let entry = &self.entries[action as usize];
        let again = end == End::Failed { retry: true } && entry.attempts <= entry.retries;
        if again && !self.stopping {
            let (at, attempt) = (now + retry_delay(entry.attempts), entry.attempts + 1);
            self.set(action, State::Delayed { until: at });
            return Some(Order::RetryAt { action, attempt, at });
        }
        self.set(action, State::Over);
        (end != End::Done).then_some(Order::GaveUp { action })
    }

    fn stop_starting(&mut self, orders: &mut Vec<Order>) {
        self.stopping = true;
        for action in 0..self.entries.len() as u32 {
            if matches!(self.state(action), State::Waiting | State::Delayed { .. }) {
                self.set(action, State::Over);
                orders.push(Order::Dropped { action });
            }
        }
    }

    fn cancel(&mut self, action: u32, orders: &mut Vec<Order>) {
        match self.state(action) {
            State::Waiting | State::Delayed { .. } => {
                self.set(action, State::Over);
                orders.push(Order::Dropped { action });
            }
            State::Running { .. } => {
                // However the attempt ends now, it is not wanted again.
                self.entries[action as usize].retries = 0;
                orders.push(Order::Stop { action });
            }
            State::Unknown | State::Over => {}
        }
    }

    /// Puts actions whose next attempt is due back among the waiting.
    fn wake(&mut self, now: Duration) {
        while let Some(&(at, action)) = self.delayed.first()
            && at <= now
        {
            self.set(action, State::Waiting);
        }
    }

    fn start_what_fits(&mut self, orders: &mut Vec<Order>) {
        while let Some(pick) = self.pick() {
            let wanted = self.classes[self.entries[pick.action as usize].class].amounts.gpus();
            let gpus: Vec<u32> = self.free_gpus.iter().copied().take(wanted).collect();
            self.set(pick.action, State::Running { gpus: gpus.clone() });
            let entry = &mut self.entries[pick.action as usize];
            entry.attempts += 1;
            orders.push(Order::Start { action: pick.action, attempt: entry.attempts, gpus });
            if let Some(overtaken) = pick.overtaken {
                self.count_overtaking(overtaken);
            }
        }
    }

    fn count_overtaking(&mut self, action: u32) {
        let most = limits::OVERTAKES_PER_CORE.saturating_mul(self.capacity.cores.max(1));
        let entry = &mut self.entries[action as usize];
        entry.overtaken = entry.overtaken.saturating_add(1);
        if entry.overtaken >= most && self.reserved.is_none() {
            self.reserved = Some(action);
        }
    }

    /// The best action that may start now.
    fn pick(&self) -> Option<Pick> {
        if self.free.cores() == 0 {
            return None;
        }
        let amounts = |action: u32| &self.classes[self.entries[action as usize].class].amounts;
        let held = self.reserved.map(amounts);
        if let (Some(action), Some(held)) = (self.reserved, held)
            && held.fit_in(&self.free)
        {
            return Some(Pick { action, overtaken: None });
        }
        let mut overtaken = None;
        for &class in self.heads.values().take(limits::CLASSES_PER_START) {
            let Class { amounts, waiting } = &self.classes[class];
            let &(_, action) = waiting.first().expect("a class with a head has waiting actions");
            if !amounts.fit_in(&self.free) {
                overtaken = overtaken.or(Some(action));
            } else if held.is_none_or(|held| amounts.leave_room_for(held, &self.free)) {
                return Some(Pick { action, overtaken });
            }
        }
        None
    }

    /// The one place where an action changes its state: queues, counts and free resources follow.
    fn set(&mut self, action: u32, next: State) {
        let entry = &mut self.entries[action as usize];
        let (class, rank) = (entry.class, entry.rank);
        match std::mem::replace(&mut entry.state, next.clone()) {
            State::Waiting => {
                self.waiting -= 1;
                self.requeue(class, |waiting| waiting.remove(&(rank, action)));
                self.reserved = self.reserved.filter(|&reserved| reserved != action);
            }
            State::Running { gpus } => {
                self.running -= 1;
                self.free.give(&self.classes[class].amounts);
                self.free_gpus.extend(gpus);
            }
            State::Delayed { until } => {
                self.delayed.remove(&(until, action));
            }
            State::Unknown | State::Over => {}
        }
        match next {
            State::Waiting => {
                self.waiting += 1;
                self.requeue(class, |waiting| waiting.insert((rank, action)));
            }
            State::Running { gpus } => {
                self.running += 1;
                self.free.take(&self.classes[class].amounts);
                self.free_gpus.retain(|gpu| !gpus.contains(gpu));
            }
            State::Delayed { until } => {
                self.delayed.insert((until, action));
            }
            State::Unknown | State::Over => {}
        }
    }

    /// Changes a class's queue and keeps its entry among the heads right.
    fn requeue(&mut self, class: usize, change: impl FnOnce(&mut BTreeSet<(Rank, u32)>) -> bool) {
        let waiting = &mut self.classes[class].waiting;
        let before = waiting.first().map(|(rank, _)| *rank);
        change(waiting);
        let after = waiting.first().map(|(rank, _)| *rank);
        if before != after {
            before.and_then(|rank| self.heads.remove(&rank));
            after.and_then(|rank| self.heads.insert(rank, class));
        }
    }
}

struct Pick {
    action: u32,
    /// The first in line, where it is not the one that starts.
    overtaken: Option<u32>,
}

/// The wait before the attempt that follows `attempts` failed ones.
fn retry_delay(attempts: u32) -> Duration {
    let doublings = attempts.saturating_sub(1).min(16);
    (limits::FIRST_RETRY_DELAY * (1 << doublings)).min(limits::LONGEST_RETRY_DELAY)
}

#[cfg(test)]
impl Scheduler {
    /// Recomputes every count and queue from the states and compares.
    pub(crate) fn sanity_check(&self) {
        let mut free = Amounts::of_capacity(&self.capacity);
        let mut free_gpus: BTreeSet<u32> = (0..self.capacity.gpus).collect();
        let (mut running, mut waiting, mut delayed) = (0, 0, 0);
        for (action, entry) in self.entries.iter().enumerate() {
            let queued = self
                .classes
                .get(entry.class)
                .is_some_and(|class| class.waiting.contains(&(entry.rank, action as u32)));
            assert_eq!(queued, entry.state == State::Waiting, "queue of {action}");
            match &entry.state {
                State::Waiting => waiting += 1,
                State::Running { gpus } => {
                    running += 1;
                    let amounts = &self.classes[entry.class].amounts;
                    free.take(amounts);
                    assert_eq!(gpus.len(), amounts.gpus());
                    assert!(gpus.iter().all(|gpu| free_gpus.remove(gpu)), "a gpu is used twice");
                }
                State::Delayed { until } => {
                    delayed += 1;
                    assert!(self.delayed.contains(&(*until, action as u32)));
                }
                State::Unknown | State::Over => {}
            }
        }
        assert_eq!((free, free_gpus), (self.free.clone(), self.free_gpus.clone()));
        let counts = (self.running, self.waiting, self.delayed.len());
        assert_eq!((running, waiting, delayed), counts);
        let heads: BTreeMap<Rank, usize> = (self.classes.iter().enumerate())
            .filter_map(|(at, class)| Some((class.waiting.first()?.0, at)))
            .collect();
        assert_eq!(heads, self.heads);
        if let Some(action) = self.reserved {
            assert_eq!(*self.state(action), State::Waiting, "only what waits holds a reservation");
        }
        assert!(self.pick().is_none(), "everything that may start was started");
        assert!(!self.stopping || self.waiting() == 0);
    }
}
