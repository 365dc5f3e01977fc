//! The one thread that waits for all jobs, and what it shares with the threads that start them.
//!
//! It sleeps in one call until a process ends, a limit is due, or somebody rings.

use std::collections::HashMap;
use std::io;
use std::os::fd::OwnedFd;
use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, Instant};

use rustix::buffer::spare_capacity;
use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};
use rustix::event::{EventfdFlags, Timespec, eventfd};

use crate::execute::limits;
use crate::execute::local::running::{Collected, Running};
use crate::execute::local::{Ended, Stop};
use crate::execute::procfs;

/// Marks the bell among the watched descriptors; jobs have 32-bit numbers.
const BELL: u64 = u64::MAX;

/// What the starting threads and the reaper share.
pub(super) struct Shared {
    epoll: OwnedFd,
    /// Rung when the reaper has to look earlier than it planned.
    bell: OwnedFd,
    jobs: Mutex<Jobs>,
}

struct Jobs {
    running: HashMap<u32, Running>,
    /// When the reaper will look next; `None` while it sleeps until something happens.
    next_look: Option<Instant>,
    next_memory: Instant,
    closing: bool,
}

impl Shared {
    pub(super) fn new() -> io::Result<Shared> {
        let epoll = epoll::create(CreateFlags::CLOEXEC)?;
        let bell = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        epoll::add(&epoll, &bell, EventData::new_u64(BELL), EventFlags::IN)?;
        let jobs = Jobs {
            running: HashMap::new(),
            next_look: None,
            next_memory: Instant::now(),
            closing: false,
        };
        Ok(Shared { epoll, bell, jobs: Mutex::new(jobs) })
    }

    fn jobs(&self) -> MutexGuard<'_, Jobs> {
        self.jobs.lock().expect("nothing panics while it holds the jobs")
    }

    /// Hands a started job to the reaper.
    pub(super) fn add(&self, id: u32, running: Running) -> rustix::io::Result<()> {
        let mut jobs = self.jobs();
        debug_assert!(!jobs.running.contains_key(&id), "job numbers are unique");
        // While the lock is held, an event of the new descriptor finds no reaper.
        epoll::add(&self.epoll, &running.pidfd, EventData::new_u64(u64::from(id)), EventFlags::IN)?;
        jobs.running.insert(id, running);
        self.look_by(&mut jobs, id);
        Ok(())
    }

    /// Makes sure that the reaper looks when a job next needs it.
    fn look_by(&self, jobs: &mut Jobs, id: u32) {
        let running = &jobs.running[&id];
        let mut due = running.due();
        if running.has_memory_limit() {
            // Not at once, so that short jobs cost no look at all.
            due = due.min(jobs.next_memory.max(Instant::now() + limits::MEMORY_INTERVAL));
        }
        if jobs.next_look.is_none_or(|planned| due < planned) {
            jobs.next_look = Some(due);
            self.ring();
        }
    }

    /// Stops one job or all; says how many.
    pub(super) fn stop(&self, id: Option<u32>, how: Stop) -> usize {
        let mut jobs = self.jobs();
        let now = Instant::now();
        let ids: Vec<u32> = match id {
            Some(id) => Vec::from([id]),
            None => jobs.running.keys().copied().collect(),
        };
        let mut stopped = 0;
        for id in ids {
            if let Some(running) = jobs.running.get_mut(&id) {
                running.stop(how, now);
                self.look_by(&mut jobs, id);
                stopped += 1;
            }
        }
        stopped
    }

    /// Kills everything and lets the reaper end when it is over.
    pub(super) fn close(&self) {
        self.stop(None, Stop::AtOnce);
        self.jobs().closing = true;
        self.ring();
    }

    fn ring(&self) {
        // It can only fail when the bell has been rung 2^64 times without being heard.
        let _ = rustix::io::write(&self.bell, &1u64.to_ne_bytes());
    }
}

/// Waits for jobs until the executor is closed and none is left.
pub(super) fn run(shared: &Shared, report: &dyn Fn(Ended)) {
    let mut vanishing: Vec<Vanishing> = Vec::new();
    let mut memory_kills = procfs::kernel_memory_kills().unwrap_or(0);
    loop {
        let ids = wait(shared, !vanishing.is_empty());
        let ended: Vec<(u32, Running)> = {
            let mut jobs = shared.jobs();
            ids.into_iter().filter_map(|id| jobs.running.remove_entry(&id)).collect()
        };
        for (id, running) in ended {
            // Explicitly, because a child that is just being spawned has a copy of the descriptor
            // for a moment, and would keep a closed one watched.
            let _ = epoll::delete(&shared.epoll, &running.pidfd);
            let collected = running.collect(id, &mut memory_kills);
            if collected.group_is_gone {
                report(collected.ended);
            } else {
                let deadline = Instant::now() + limits::VANISH;
                vanishing.push(Vanishing { collected, deadline });
            }
        }
        vanishing.retain_mut(|vanishing| !vanishing.report_if_over(report));
        let mut jobs = shared.jobs();
        jobs.look();
        if jobs.closing && jobs.running.is_empty() && vanishing.is_empty() {
            return;
        }
    }
}

/// Sleeps until there is something to do and gives the jobs that ended.
fn wait(shared: &Shared, something_vanishes: bool) -> Vec<u32> {
    let planned = shared.jobs().next_look;
    let until_look = planned.map(|at| at.saturating_duration_since(Instant::now()));
    let until_gone = something_vanishes.then_some(limits::VANISH_INTERVAL);
    let timeout = until_look.into_iter().chain(until_gone).min().map(|wait| {
        // Rounded up, or the last fraction would be spent in a busy loop.
        let wait = wait + Duration::from_millis(1);
        Timespec::try_from(wait).unwrap_or(Timespec { tv_sec: i64::MAX, tv_nsec: 0 })
    });
    let mut events: Vec<epoll::Event> = Vec::with_capacity(limits::ENDS_PER_TURN);
    // An interrupted wait is a wait that found nothing.
    let _ = epoll::wait(&shared.epoll, spare_capacity(&mut events), timeout.as_ref());
    let mut ids = Vec::with_capacity(events.len());
    for event in &events {
        let data = event.data;
        match u32::try_from(data.u64()) {
            Ok(id) => ids.push(id),
            Err(_) => {
                // Silences the bell; what it was rung for is looked at anyway.
                let _ = rustix::io::read(&shared.bell, &mut [0u8; 8]);
            }
        }
    }
    ids
}

impl Jobs {
    /// Does what is due and plans the next look.
    fn look(&mut self) {
        let now = Instant::now();
        if self.next_look.is_none_or(|planned| now < planned) {
            return;
        }
        for running in self.running.values_mut().filter(|running| running.due() <= now) {
            running.look(now);
        }
        self.measure_memory(now);
        let memory = self.running.values().any(Running::has_memory_limit);
        let due = self.running.values().map(Running::due);
        self.next_look = due.chain(memory.then_some(self.next_memory)).min();
    }

    fn measure_memory(&mut self, now: Instant) {
        if self.next_memory > now || !self.running.values().any(Running::has_memory_limit) {
            return;
        }
        let processes = procfs::all();
        self.running.values_mut().for_each(|running| running.check_memory(&processes));
        let taken = now.elapsed();
        self.next_memory = now + limits::MEMORY_INTERVAL.max(taken * limits::MEMORY_SHARE);
    }
}

/// An ended job of whose group something was still there.
struct Vanishing {
    collected: Collected,
    deadline: Instant,
}

impl Vanishing {
    /// Reports the job once its group is gone or the time is over, and says whether it did.
    /// Nothing is signalled here, because the group's number may be somebody else's by now.
    fn report_if_over(&mut self, report: &dyn Fn(Ended)) -> bool {
        let members = procfs::living_members(self.collected.group.as_raw_pid());
        if !members.is_empty() && Instant::now() < self.deadline {
            return false;
        }
        let mut ended = self.collected.ended.clone();
        ended.survivors = members.iter().map(|member| member.pid as u32).collect();
        report(ended);
        true
    }
}
