//! What the machine or site has, and whether an action can ever fit into it.
//!
//! An action is admitted when it is planned, so that a request larger than the machine is an error
//! with words and not an endless wait.

use std::collections::BTreeMap;

use crate::model::resources::Resources;
use crate::model::text;

/// Resources that may be in use at the same time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Capacity {
    /// Processor cores; zero counts as one.
    pub cores: u32,
    /// Bytes of memory; `None` when memory is not counted.
    pub memory: Option<u64>,
    /// Graphics processors.
    pub gpus: u32,
    /// Named pools such as licences or transfer slots, with their sizes.
    pub pools: BTreeMap<String, u32>,
}

/// Resources that fit into the capacity that admitted them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Admitted {
    resources: Resources,
    scaled: Option<Scaled>,
}

impl Admitted {
    /// What the action may use, after scaling.
    pub fn resources(&self) -> &Resources {
        &self.resources
    }

    /// What was scaled down, for a message.
    pub fn scaled(&self) -> Option<Scaled> {
        self.scaled
    }
}

/// Cores that were asked for beyond the machine, and what is given instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scaled {
    pub asked: u32,
    pub given: u32,
}

/// A request that can never be met.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AdmitError {
    #[error("asks for {asked} of {what}, but there is only {have}")]
    TooLarge { what: String, asked: String, have: String },
    #[error("asks for the pool `{pool}`, which is not set up")]
    UnknownPool { pool: String, known: Vec<String> },
}

impl AdmitError {
    /// What to do about it.
    pub fn hint(&self) -> String {
        match self {
            AdmitError::TooLarge { .. } => {
                "ask for less in the rule's `resources`, or run it on a larger machine".to_owned()
            }
            AdmitError::UnknownPool { pool, known } => {
                let near = text::near_misses(pool, known.iter().map(String::as_str));
                match (near.is_empty(), known.is_empty()) {
                    (false, _) => format!("did you mean {}?", text::one_of(&near)),
                    (true, false) => format!("the pools here are {}", text::one_of(known)),
                    (true, true) => {
                        format!("give its size in `attpc.toml`: [pools] {pool} = 1")
                    }
                }
            }
        }
    }
}

impl Capacity {
    /// Checks a request against the whole machine. Cores are scaled down to what is there, because
    /// a program with fewer threads only takes longer; everything else is needed as asked.
    ///
    /// # Errors
    /// [`AdmitError`] when memory, graphics processors or a pool can never suffice.
    pub fn admit(&self, asked: &Resources) -> Result<Admitted, AdmitError> {
        let too_large = |what: &str, asked: String, have: String| {
            Err(AdmitError::TooLarge { what: what.to_owned(), asked, have })
        };
        if let (Some(need), Some(have)) = (asked.memory, self.memory)
            && need > have
        {
            return too_large("memory", text::bytes(need), text::bytes(have));
        }
        if asked.gpus > self.gpus {
            return too_large("gpus", asked.gpus.to_string(), self.gpus.to_string());
        }
        for (pool, &need) in asked.pools.iter().filter(|(_, need)| **need > 0) {
            let Some(&have) = self.pools.get(pool) else {
                let known = self.pools.keys().cloned().collect();
                return Err(AdmitError::UnknownPool { pool: pool.clone(), known });
            };
            if need > have {
                return too_large(&format!("`{pool}`"), need.to_string(), have.to_string());
            }
        }
        let cores = asked.cores.clamp(1, self.cores.max(1));
        let scaled = (asked.cores > cores).then_some(Scaled { asked: asked.cores, given: cores });
        Ok(Admitted { resources: Resources { cores, ..asked.clone() }, scaled })
    }
}

/// Amounts of every counted resource in a fixed order: cores, memory, graphics processors, then
/// the pools by name. One shape for all makes fitting a plain comparison.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Amounts(Vec<u64>);

impl Amounts {
    /// Everything that a capacity has. Memory that is not counted never runs out.
    pub(super) fn of_capacity(capacity: &Capacity) -> Self {
        let mut amounts = vec![
            u64::from(capacity.cores.max(1)),
            capacity.memory.unwrap_or(u64::MAX),
            u64::from(capacity.gpus),
        ];
        amounts.extend(capacity.pools.values().map(|&size| u64::from(size)));
        Amounts(amounts)
    }

    /// What a request takes; never more than the capacity, so whatever waits can start once the
    /// machine is empty, even if it was admitted by another capacity.
    pub(super) fn of_request(request: &Admitted, capacity: &Capacity) -> Self {
        let resources = &request.resources;
        let mut amounts = vec![
            u64::from(resources.cores.max(1)),
            resources.memory.unwrap_or(0),
            u64::from(resources.gpus),
        ];
        amounts.extend(
            capacity.pools.keys().map(|pool| u64::from(*resources.pools.get(pool).unwrap_or(&0))),
        );
        let most = Amounts::of_capacity(capacity).0;
        Amounts(amounts.into_iter().zip(most).map(|(need, have)| need.min(have)).collect())
    }

    /// True when `free` has at least this much of everything.
    pub(super) fn fit_in(&self, free: &Amounts) -> bool {
        self.0.iter().zip(&free.0).all(|(need, have)| need <= have)
    }

    /// True when taking this from `free` takes nothing that `reserved` still needs: a resource is
    /// either left alone or enough of it remains.
    pub(super) fn leave_room_for(&self, reserved: &Amounts, free: &Amounts) -> bool {
        self.0
            .iter()
            .zip(&free.0)
            .zip(&reserved.0)
            .all(|((need, have), held)| *need == 0 || have.saturating_sub(*need) >= *held)
    }

    /// Takes `other` away.
    pub(super) fn take(&mut self, other: &Amounts) {
        for (have, need) in self.0.iter_mut().zip(&other.0) {
            *have = have.checked_sub(*need).expect("only what fits is started");
        }
    }

    /// Gives `other` back.
    pub(super) fn give(&mut self, other: &Amounts) {
        for (have, need) in self.0.iter_mut().zip(&other.0) {
            *have += need;
        }
    }

    pub(super) fn cores(&self) -> u64 {
        self.0[0]
    }

    pub(super) fn gpus(&self) -> usize {
        self.0[2] as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn machine() -> Capacity {
        let pools = [("licence".to_owned(), 2), ("tape".to_owned(), 3)].into();
        Capacity { cores: 4, memory: Some(8_000_000_000), gpus: 1, pools }
    }

    fn check(asked: Resources, message: &str, hint: &str) {
        let error = machine().admit(&asked).unwrap_err();
        assert_eq!((error.to_string().as_str(), error.hint().as_str()), (message, hint));
    }

    fn pool(name: &str, size: u32) -> Resources {
        Resources { pools: [(name.to_owned(), size)].into(), ..Resources::default() }
    }

    #[test]
    fn requests_beyond_the_machine_are_refused_in_words() {
        let less = "ask for less in the rule's `resources`, or run it on a larger machine";
        check(
            Resources { memory: Some(40_000_000_000), ..Resources::default() },
            "asks for 40.0 GB of memory, but there is only 8.0 GB",
            less,
        );
        check(
            Resources { gpus: 2, ..Resources::default() },
            "asks for 2 of gpus, but there is only 1",
            less,
        );
        check(pool("tape", 5), "asks for 5 of `tape`, but there is only 3", less);
        let unknown = "asks for the pool `licences`, which is not set up";
        check(pool("licences", 1), unknown, "did you mean `licence`?");
        let unknown = "asks for the pool `slots`, which is not set up";
        check(pool("slots", 1), unknown, "the pools here are `licence` or `tape`");
    }

    #[test]
    fn cores_are_scaled_down_and_it_is_said() {
        let many = Resources { cores: 64, ..Resources::default() };
        let admitted = machine().admit(&many).unwrap();
        assert_eq!(admitted.resources().cores, 4);
        assert_eq!(admitted.scaled(), Some(Scaled { asked: 64, given: 4 }));
        assert_eq!(machine().admit(&Resources::default()).unwrap().scaled(), None);
    }

    #[test]
    fn memory_is_free_where_it_is_not_counted() {
        let capacity = Capacity { memory: None, ..machine() };
        let huge = Resources { memory: Some(u64::MAX), ..Resources::default() };
        assert!(capacity.admit(&huge).is_ok());
    }
}
