//! What stands out in the counts of a trial.

use crate::kernels::attpc::figure::rates::RunRates;
use crate::kernels::attpc::report::{Rejections, sum};
use crate::kernels::figure::spread::Spread;
use crate::kernels::report::page::{Finding, Weight};

/// Runs from which on there is a majority that one can differ from.
const FEWEST_RUNS: usize = 3;
/// Standard deviations from what most runs say, beyond which a yield stands out. With a few
/// hundred numbers on a page, chance alone makes fewer than one remark in a hundred pages.
const SIGMAS: f64 = 5.0;
/// Least relative difference worth a remark; large runs make smaller ones significant.
const RELATIVE: f64 = 0.2;
/// Live time below which the data acquisition was the limit.
const LIVE_PERCENT: f64 = 70.0;
/// Share of clouds with a good ion chamber pulse below which its settings may be wrong.
const GOOD_PULSES: f64 = 0.5;
/// Share of rejections above which one reason is worth a remark.
const ONE_REASON: f64 = 0.5;
/// Fewer rejections of a phase than this are no pattern.
const FEWEST_REJECTIONS: u64 = 3;
/// Runs that a remark names before it only counts them.
const NAMED: usize = 6;

/// Remarks on counts, most of them on single runs.
pub fn findings(stages: &[String], runs: &[RunRates]) -> Vec<Finding> {
    let mut found = Vec::new();
    if !stages.is_empty() && runs.is_empty() {
        found.push(check("No run was given, or none has events.".to_owned()));
    }
    for (stage, name) in stages.iter().enumerate() {
        found.extend(empty_stage(runs, stage, name));
        found.extend(missing_runs(runs, stage, name));
        if stage > 0 {
            found.extend(odd_runs(runs, stage, name));
        }
    }
    found.extend(few_pulses(runs));
    found.extend(dead_time(runs));
    found
}

/// A remark where one reason makes most of a phase's rejections.
pub fn rejection_findings(rejections: &Rejections) -> Vec<Finding> {
    let count = |runs: &std::collections::BTreeMap<i64, u64>| runs.values().sum::<u64>();
    let of_phase = |phase: &str| -> u64 {
        rejections.iter().filter(|(reason, _)| reason.phase == phase).map(|(_, r)| count(r)).sum()
    };
    rejections
        .iter()
        .filter(|(reason, _)| of_phase(&reason.phase) >= FEWEST_REJECTIONS)
        .filter(|(reason, runs)| count(runs) as f64 > ONE_REASON * of_phase(&reason.phase) as f64)
        .map(|(reason, runs)| Finding {
            weight: Weight::Note,
            words: format!(
                "{} of the {} rejections of {} have one reason: {}.",
                count(runs),
                of_phase(&reason.phase),
                reason.phase,
                reason.words
            ),
            section: "rejected",
        })
        .collect()
}

fn check(words: String) -> Finding {
    Finding { weight: Weight::Check, words, section: "counts" }
}

fn empty_stage(runs: &[RunRates], stage: usize, name: &str) -> Option<Finding> {
    (sum(runs, stage) == Some(0)).then(|| check(format!("There are no {name} in any run.")))
}

/// Runs that lack what others have: no file, or a file without anything in it.
fn missing_runs(runs: &[RunRates], stage: usize, name: &str) -> Option<Finding> {
    if sum(runs, stage).unwrap_or(0) == 0 {
        return None;
    }
    let has_none = |run: &&RunRates| run.count(stage).unwrap_or(0) == 0;
    let without: Vec<i64> = runs.iter().filter(has_none).map(|run| run.run).collect();
    (!without.is_empty())
        .then(|| check(format!("{} {} no {name}, others have.", named(&without), have(&without))))
}

/// Runs whose yield per cloud is unlike that of most. The usual yield is the median of runs, because
/// one large odd run would drag a mean and make all others look odd.
fn odd_runs(runs: &[RunRates], stage: usize, name: &str) -> Vec<Finding> {
    let all: Vec<(i64, f64, f64)> = runs
        .iter()
        .filter_map(|run| Some((run.run, run.count(0)? as f64, run.count(stage)? as f64)))
        .filter(|(_, clouds, count)| *clouds > 0.0 && *count > 0.0)
        .collect();
    let yields = Spread::of(all.iter().map(|(_, clouds, count)| count / clouds));
    let Some(usual) = yields.quantile(0.5).filter(|_| all.len() >= FEWEST_RUNS) else {
        return Vec::new();
    };
    let odd = |(run, clouds, count): &(i64, f64, f64)| {
        let expected = usual * clouds;
        let differs = (count - expected).abs();
        // Counts of a Poisson process.
        let by_chance = SIGMAS * expected.max(1.0).sqrt();
        (differs > by_chance && differs > RELATIVE * expected).then(|| {
            check(format!(
                "Run {run} has {:.0} {name} per 100 clouds, most runs have {:.0}.",
                100.0 * count / clouds,
                100.0 * usual
            ))
        })
    };
    let found: Vec<Finding> = all.iter().filter_map(odd).collect();
    if found.len() <= NAMED {
        return found;
    }
    let words = format!("{} runs have an unusual yield of {name} per cloud.", found.len());
    vec![check(words)]
}

fn few_pulses(runs: &[RunRates]) -> Option<Finding> {
    let clouds = sum(runs, 0).filter(|clouds| *clouds > 0)?;
    let good: u64 = runs.iter().map(|run| run.good_pulses).sum();
    let share = good as f64 / clouds as f64;
    (share < GOOD_PULSES).then(|| {
        let percent = 100.0 * share;
        check(format!("Only {percent:.0} % of the clouds have a good ion chamber pulse."))
    })
}

fn dead_time(runs: &[RunRates]) -> Option<Finding> {
    let slow = |run: &&RunRates| {
        run.scalers.is_some_and(|sums| {
            sums.clock_free > 0.0 && 100.0 * sums.clock_live / sums.clock_free < LIVE_PERCENT
        })
    };
    let slow: Vec<i64> = runs.iter().filter(slow).map(|run| run.run).collect();
    (!slow.is_empty()).then(|| {
        check(format!("{} {} less than {LIVE_PERCENT} % live time.", named(&slow), have(&slow)))
    })
}

/// Runs by name where they are few, and their number where they are many.
fn named(runs: &[i64]) -> String {
    match runs {
        [run] => format!("Run {run}"),
        [first, .., last] if runs.len() > NAMED => {
            format!("{} runs between {first} and {last}", runs.len())
        }
        _ => {
            let names: Vec<String> = runs.iter().map(i64::to_string).collect();
            format!("Runs {}", names.join(", "))
        }
    }
}

fn have(runs: &[i64]) -> &'static str {
    if runs.len() == 1 { "has" } else { "have" }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::attpc::figure::rates::ScalerSums;
    use crate::kernels::attpc::report::Reason;

    fn run(run: i64, clouds: u64, clusters: Option<u64>) -> RunRates {
        RunRates {
            run,
            counts: vec![Some(clouds), clusters],
            good_pulses: clouds,
            ..RunRates::default()
        }
    }

    fn words(runs: &[RunRates]) -> Vec<String> {
        let stages = ["clouds", "clusters"].map(str::to_owned);
        findings(&stages, runs).into_iter().map(|finding| finding.words).collect()
    }

    #[test]
    fn ordinary_runs_need_no_remark() {
        let runs = [run(1, 90, Some(150)), run(2, 45, Some(80)), run(3, 20, Some(30))];
        assert_eq!(words(&runs), Vec::<String>::new());
        assert_eq!(findings(&[], &[]), Vec::new());
    }

    #[test]
    fn an_odd_run_is_named_with_both_yields() {
        let runs = [run(1, 900, Some(1500)), run(2, 900, Some(600)), run(3, 900, Some(1490))];
        assert_eq!(words(&runs), ["Run 2 has 67 clusters per 100 clouds, most runs have 166."]);
    }

    #[test]
    fn runs_that_lack_a_phase_are_named() {
        let runs = [run(1, 90, Some(150)), run(2, 90, None), run(3, 90, Some(0))];
        assert_eq!(words(&runs), ["Runs 2, 3 have no clusters, others have."]);
        assert_eq!(words(&[run(1, 90, Some(0))]), ["There are no clusters in any run."]);
        assert_eq!(words(&[]), ["No run was given, or none has events."]);
    }

    #[test]
    fn dead_time_and_missing_pulses_are_told() {
        let scalers = ScalerSums { clock_free: 10.0, clock_live: 5.0, ..ScalerSums::default() };
        let slow = RunRates { good_pulses: 4, scalers: Some(scalers), ..run(1, 90, Some(150)) };
        let found = words(&[slow]);
        assert_eq!(found[0], "Only 4 % of the clouds have a good ion chamber pulse.");
        assert_eq!(found[1], "Run 1 has less than 70 % live time.");
    }

    #[test]
    fn one_frequent_reason_is_told() {
        let reason = |words: &str| Reason { phase: "solve".to_owned(), words: words.to_owned() };
        let rejections: Rejections =
            [(reason("a"), [(1, 3), (2, 4)].into()), (reason("b"), [(1, 2)].into())].into();
        let found = rejection_findings(&rejections);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].words, "7 of the 9 rejections of solve have one reason: a.");
    }
}
