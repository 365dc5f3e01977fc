//! What a report on a trial says: counts run by run, what was rejected, and what stands out.

pub mod findings;

use std::collections::BTreeMap;

use crate::kernels::attpc::figure::rates::RunRates;
use crate::kernels::figure::axes::thousands;
use crate::kernels::report::table::{Cell, Table};

/// How often a phase rejected something for one reason.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Reason {
    /// The phase that rejected, such as `estimate`.
    pub phase: String,
    /// Why, in words.
    pub words: String,
}

/// Rejections by reason and run.
pub type Rejections = BTreeMap<Reason, BTreeMap<i64, u64>>;

fn number(value: u64) -> Cell {
    Cell::Number(thousands(&value.to_string()))
}

fn known(value: Option<u64>) -> Cell {
    value.map_or(Cell::Nothing, number)
}

/// The sum of a stage over all runs; nothing where no run has it.
pub fn sum(runs: &[RunRates], stage: usize) -> Option<u64> {
    runs.iter().filter_map(|run| run.count(stage)).reduce(|a, b| a + b)
}

/// Counts of each phase run by run, with sums.
pub fn counts_table(stages: &[String], runs: &[RunRates]) -> Table {
    let mut head = vec!["run".to_owned()];
    head.extend(stages.iter().cloned());
    let with_pulses = runs.iter().any(|run| run.count(0).is_some());
    let with_gated = runs.iter().any(|run| run.gated_ic.is_some());
    let with_live = runs.iter().any(|run| live_percent(run).is_some());
    let optional =
        [(with_pulses, "good ion chamber"), (with_gated, "gated beam"), (with_live, "live time")];
    head.extend(optional.iter().filter(|(with, _)| *with).map(|(_, name)| (*name).to_owned()));
    let row = |run: &RunRates| {
        let mut row = vec![Cell::Number(run.run.to_string())];
        row.extend((0..stages.len()).map(|stage| known(run.count(stage))));
        let live = live_percent(run).map(|live| Cell::Number(format!("{live:.1} %")));
        let extra = [
            (with_pulses, known(run.count(0).map(|_| run.good_pulses))),
            (with_gated, known(run.gated_ic)),
            (with_live, live.unwrap_or(Cell::Nothing)),
        ];
        row.extend(extra.into_iter().filter(|(with, _)| *with).map(|(_, cell)| cell));
        row
    };
    let mut foot = vec![Cell::words("all")];
    foot.extend((0..stages.len()).map(|stage| known(sum(runs, stage))));
    if with_pulses {
        foot.push(number(runs.iter().map(|run| run.good_pulses).sum()));
    }
    if with_gated {
        foot.push(number(runs.iter().filter_map(|run| run.gated_ic).sum()));
    }
    if with_live {
        foot.push(Cell::Nothing);
    }
    Table { head, rows: runs.iter().map(row).collect(), foot }
}

fn live_percent(run: &RunRates) -> Option<f64> {
    let sums = run.scalers?;
    (sums.clock_free > 0.0).then(|| 100.0 * sums.clock_live / sums.clock_free)
}

/// What is left after each phase, as bars.
pub fn stages_table(stages: &[String], runs: &[RunRates]) -> Table {
    let sums: Vec<Option<u64>> = (0..stages.len()).map(|stage| sum(runs, stage)).collect();
    let most = sums.iter().flatten().copied().max().unwrap_or(0).max(1) as f64;
    let clouds = sums.first().copied().flatten().filter(|clouds| *clouds > 0);
    let row = |(name, sum): (&String, &Option<u64>)| {
        let count = sum
            .map_or(Cell::Nothing, |sum| Cell::Bar(thousands(&sum.to_string()), sum as f64 / most));
        let share = clouds.zip(*sum).map_or(Cell::Nothing, |(clouds, sum)| {
            Cell::Number(format!("{:.1}", 100.0 * sum as f64 / clouds as f64))
        });
        vec![Cell::words(name), count, share]
    };
    Table {
        head: ["phase result", "count", "per 100 clouds"].map(str::to_owned).to_vec(),
        rows: stages.iter().zip(&sums).map(row).collect(),
        foot: Vec::new(),
    }
}

/// What was rejected, by phase, the most frequent reason of each first.
pub fn rejections_table(rejections: &Rejections) -> Table {
    let mut reasons: Vec<(&Reason, u64, usize)> =
        rejections.iter().map(|(reason, runs)| (reason, runs.values().sum(), runs.len())).collect();
    reasons.sort_by(|a, b| a.0.phase.cmp(&b.0.phase).then(b.1.cmp(&a.1)).then(a.0.cmp(b.0)));
    let mut of_phase: BTreeMap<&str, u64> = BTreeMap::new();
    for (reason, count, _) in &reasons {
        *of_phase.entry(&reason.phase).or_default() += count;
    }
    let row = |(reason, count, runs): &(&Reason, u64, usize)| {
        let share = *count as f64 / of_phase[reason.phase.as_str()].max(1) as f64;
        vec![
            Cell::words(&reason.phase),
            Cell::words(&reason.words),
            Cell::Bar(thousands(&count.to_string()), share),
            Cell::Number(format!("{:.1} %", 100.0 * share)),
            Cell::Number(runs.to_string()),
        ]
    };
    let head = ["phase", "why", "rejected", "of the phase's rejections", "in runs"];
    Table {
        head: head.map(str::to_owned).to_vec(),
        rows: reasons.iter().map(row).collect(),
        foot: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::attpc::figure::rates::ScalerSums;

    #[test]
    fn counts_have_a_column_for_what_is_known() {
        let scalers = ScalerSums { clock_free: 4.0, clock_live: 3.0, ..ScalerSums::default() };
        let runs = [
            RunRates {
                run: 5,
                counts: vec![Some(10), Some(20)],
                good_pulses: 9,
                scalers: Some(scalers),
                ..RunRates::default()
            },
            RunRates { run: 6, counts: vec![Some(2)], ..RunRates::default() },
        ];
        let stages = ["clouds", "clusters"].map(str::to_owned);
        let table = counts_table(&stages, &runs);
        assert_eq!(table.head, ["run", "clouds", "clusters", "good ion chamber", "live time"]);
        assert_eq!(table.rows[0][4], Cell::Number("75.0 %".to_owned()));
        assert_eq!(table.rows[1][2], Cell::Nothing);
        assert_eq!(table.foot[1], Cell::Number("12".to_owned()));
        assert!(table.rows.iter().all(|row| row.len() == 5) && table.foot.len() == 5);
        assert_eq!(stages_table(&stages, &runs).rows[1][2], Cell::Number("166.7".to_owned()));
    }

    #[test]
    fn frequent_reasons_come_first() {
        let mut rejections = Rejections::new();
        for (words, count) in [("rare", 1), ("often", 3)] {
            let reason = Reason { phase: "estimate".to_owned(), words: words.to_owned() };
            rejections.insert(reason, [(5, count)].into());
        }
        let table = rejections_table(&rejections);
        assert_eq!(table.rows[0][1], Cell::words("often"));
        assert_eq!(table.rows[0][3], Cell::Number("75.0 %".to_owned()));
        assert!(rejections_table(&Rejections::new()).rows.is_empty());
    }
}
