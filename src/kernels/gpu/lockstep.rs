//! Runs many sequential jobs side by side and answers their questions in batches.
//!
//! An optimiser asks for its objective at a few points, waits, and asks again. A GPU wants the
//! questions of hundreds of them at once. So each job runs on a thread of its own, and once every
//! running job waits for an answer, all questions are answered in one go. A job is an ordinary
//! function with a callback: the optimiser is the same code as on the CPU. An answer depends on its
//! question only, so neither the number of jobs side by side nor their timing changes a result.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};

/// Stack of a job's thread. An optimiser of six parameters needs a few kilobytes.
const STACK_BYTES: usize = 512 << 10;

/// The answers stopped; the job can only end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stopped;

/// How many jobs there are, and how many run side by side.
#[derive(Clone, Copy, Debug)]
pub struct Load {
    pub jobs: usize,
    pub side_by_side: usize,
}

/// A job's way to ask.
pub struct Asker<Q, A> {
    worker: usize,
    questions: Sender<Message<Q>>,
    answers: Receiver<A>,
}

enum Message<Q> {
    Question(usize, Q),
    /// A worker is gone.
    Done,
}

impl<Q, A> Drop for Asker<Q, A> {
    /// Tells that a worker is gone, also when its job panicked: the others must not wait for it.
    fn drop(&mut self) {
        // Nobody listens any more after an error.
        let _heard = self.questions.send(Message::Done);
    }
}

impl<Q, A> Asker<Q, A> {
    /// Asks and waits.
    ///
    /// # Errors
    /// When answering failed for any job; all of them end then.
    pub fn ask(&self, question: Q) -> Result<A, Stopped> {
        let message = Message::Question(self.worker, question);
        self.questions.send(message).map_err(|_| Stopped)?;
        self.answers.recv().map_err(|_| Stopped)
    }
}

/// Runs `job` for 0 to `load.jobs` and gives the results in that order. `answer` gets the questions
/// of all waiting jobs, in no order that means anything, and answers each.
///
/// # Errors
/// The first error of `answer`.
pub fn run<Q, A, R, E>(
    load: Load,
    job: impl Fn(usize, &Asker<Q, A>) -> Result<R, Stopped> + Sync,
    mut answer: impl FnMut(Vec<Q>) -> Result<Vec<A>, E>,
) -> Result<Vec<R>, E>
where
    Q: Send,
    A: Send,
    R: Send,
{
    let workers = load.side_by_side.min(load.jobs);
    let next = AtomicUsize::new(0);
    let (questions, inbox) = channel();
    std::thread::scope(|scope| {
        let (mut outboxes, mut threads) = (Vec::new(), Vec::new());
        for worker in 0..workers {
            let (outbox, answers) = channel();
            outboxes.push(outbox);
            let asker = Asker { worker, questions: questions.clone(), answers };
            let (next, job) = (&next, &job);
            let builder = std::thread::Builder::new().stack_size(STACK_BYTES);
            // Where the system gives no more threads, those that there are do all jobs.
            threads.extend(builder.spawn_scoped(scope, move || work(load.jobs, next, job, &asker)));
        }
        assert!(workers == 0 || !threads.is_empty(), "the system starts at least one thread");
        drop(questions);
        let answered = serve(&inbox, outboxes, &mut answer);
        drop(inbox);
        let mut results: Vec<(usize, R)> = Vec::new();
        for thread in threads {
            match thread.join() {
                Ok(own) => results.extend(own),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        answered?;
        results.sort_unstable_by_key(|(at, _)| *at);
        Ok(results.into_iter().map(|(_, result)| result).collect())
    })
}

/// Does jobs while there are any; gives the results with the jobs' numbers.
fn work<Q, A, R>(
    jobs: usize,
    next: &AtomicUsize,
    job: &impl Fn(usize, &Asker<Q, A>) -> Result<R, Stopped>,
    asker: &Asker<Q, A>,
) -> Vec<(usize, R)> {
    let mut results = Vec::new();
    loop {
        let at = next.fetch_add(1, Ordering::Relaxed);
        if at >= jobs {
            return results;
        }
        match job(at, asker) {
            Ok(result) => results.push((at, result)),
            Err(Stopped) => return results,
        }
    }
}

/// Answers until no worker is left. The channels close on return, which ends whoever still waits.
fn serve<Q, A, E>(
    inbox: &Receiver<Message<Q>>,
    outboxes: Vec<Sender<A>>,
    answer: &mut impl FnMut(Vec<Q>) -> Result<Vec<A>, E>,
) -> Result<(), E> {
    let mut running = outboxes.len();
    let (mut waiting, mut asked) = (Vec::new(), Vec::new());
    while running > 0 {
        match inbox.recv() {
            Ok(Message::Question(worker, question)) => {
                waiting.push(worker);
                asked.push(question);
            }
            Ok(Message::Done) => running -= 1,
            Err(_) => break,
        }
        if !asked.is_empty() && waiting.len() == running {
            let answers = answer(std::mem::take(&mut asked))?;
            for (worker, reply) in waiting.drain(..).zip(answers) {
                // A worker waits for its answer, unless it panicked, which the join reports.
                let _taken = outboxes[worker].send(reply);
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Halves an interval until the root of x^3 = job is known.
    fn root(at: usize, ask: &Asker<f64, f64>) -> Result<f64, Stopped> {
        let (mut low, mut high) = (0.0, 1.0 + at as f64);
        for _ in 0..20 + at {
            let middle = f64::midpoint(low, high);
            if ask.ask(middle)? < at as f64 {
                low = middle;
            } else {
                high = middle;
            }
        }
        Ok(high)
    }

    fn cubes(asked: Vec<f64>) -> Result<Vec<f64>, String> {
        Ok(asked.into_iter().map(|x| x * x * x).collect())
    }

    #[test]
    fn results_are_in_order_and_do_not_depend_on_the_width() {
        let run_with = |side_by_side| run(Load { jobs: 30, side_by_side }, root, cubes).unwrap();
        let alone = run_with(1);
        for (at, found) in alone.iter().enumerate() {
            assert!((found - (at as f64).cbrt()).abs() < 1e-4, "{at}: {found}");
        }
        for width in [2, 7, 30, 1000] {
            assert_eq!(run_with(width), alone);
        }
    }

    #[test]
    fn questions_of_all_waiting_jobs_come_together() {
        let mut batches = Vec::new();
        let load = Load { jobs: 16, side_by_side: 16 };
        let same = |_: usize, ask: &Asker<f64, f64>| root(3, ask);
        run(load, same, |asked| {
            batches.push(asked.len());
            cubes(asked)
        })
        .unwrap();
        assert_eq!(batches, vec![16; 23]);
    }

    #[test]
    fn an_error_ends_every_job() {
        let mut left = 3;
        let found = run(Load { jobs: 50, side_by_side: 8 }, root, |asked| {
            left -= 1;
            if left == 0 { Err("no more".to_owned()) } else { cubes(asked) }
        });
        assert_eq!(found, Err("no more".to_owned()));
    }

    #[test]
    fn a_panic_in_a_job_reaches_the_caller() {
        let found = std::panic::catch_unwind(|| {
            run(
                Load { jobs: 9, side_by_side: 3 },
                |at, ask| {
                    assert!(at != 4, "job 4 is broken");
                    root(at, ask)
                },
                cubes,
            )
        });
        assert!(found.is_err());
    }

    #[test]
    fn no_jobs_give_no_results() {
        assert_eq!(run(Load { jobs: 0, side_by_side: 4 }, root, cubes), Ok(Vec::new()));
    }
}
