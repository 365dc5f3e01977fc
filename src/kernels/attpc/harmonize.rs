//! Where one harmonized file ends and the next begins, when the number of files is given; and which
//! events were met before.

use std::collections::BTreeMap;

/// Events by run and number, each with the file it came from, kept as spans of events that follow
/// each other in one file.
#[derive(Clone, Debug, Default)]
pub struct Origins {
    /// Last event and file of a span, by its run and first event.
    spans: BTreeMap<(i64, i64), (i64, usize)>,
}

impl Origins {
    /// Adds an event; gives the file it came from before, if any.
    pub fn add(&mut self, run: i64, event: i64, file: usize) -> Option<usize> {
        let before = self.spans.range_mut((run, i64::MIN)..=(run, event)).next_back();
        if let Some((_, (last, of))) = before {
            if event <= *last {
                return Some(*of);
            }
            if *of == file && *last + 1 == event {
                *last = event;
                return None;
            }
        }
        self.spans.insert((run, event), (event, file));
        None
    }
}

/// Cuts a sequence of weighted events into `files` parts of nearly equal weight and returns how
/// many events each part holds.
///
/// A part ends with the event that brings the sum to its share of the whole or beyond. An event is
/// never split, so a part is above its share by less than one event. With fewer events than files
/// the last parts are empty.
pub fn balanced(weights: &[u64], files: usize) -> Vec<usize> {
    // An event without weight still takes a place, so that an all-empty run is spread as well.
    let total: u128 = weights.iter().map(|weight| u128::from(*weight) + 1).sum();
    let mut parts = vec![0; files];
    let (mut part, mut sum) = (0, 0);
    for weight in weights {
        parts[part] += 1;
        sum += u128::from(*weight) + 1;
        while part + 1 < files && sum * files as u128 >= total * (part as u128 + 1) {
            part += 1;
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn equal_events_make_equal_parts() {
        assert_eq!(balanced(&[5; 12], 4), [3, 3, 3, 3]);
        assert_eq!(balanced(&[0; 6], 3), [2, 2, 2]);
    }

    #[test]
    fn a_heavy_event_fills_a_part_alone() {
        assert_eq!(balanced(&[100, 1, 1, 1, 1], 2), [1, 4]);
        assert_eq!(balanced(&[1, 1, 1, 1, 100], 2), [5, 0]);
    }

    #[test]
    fn fewer_events_than_files_leave_files_empty() {
        assert_eq!(balanced(&[7], 3), [1, 0, 0]);
        assert_eq!(balanced(&[], 2), [0, 0]);
    }

    #[test]
    fn an_event_that_was_met_before_is_known_with_its_file() {
        let mut origins = Origins::default();
        for (event, file) in [(5, 0), (6, 0), (9, 0), (7, 1), (8, 1), (1, 1)] {
            assert_eq!(origins.add(101, event, file), None);
        }
        let met = [(5, 0), (6, 0), (7, 1), (8, 1), (9, 0), (1, 1)];
        assert!(met.iter().all(|(event, file)| origins.add(101, *event, 2) == Some(*file)));
        assert_eq!([2, 4, 10].map(|event| origins.add(101, event, 2)), [None; 3]);
        assert_eq!(origins.add(102, 5, 2), None);
        assert_eq!(origins.spans.len(), 8);
    }

    proptest! {
        #[test]
        fn every_event_is_in_one_part_and_no_part_is_above_its_share_by_an_event(
            weights in prop::collection::vec(0_u64..1000, 0..200),
            files in 1_usize..20,
        ) {
            let parts = balanced(&weights, files);
            prop_assert_eq!(parts.len(), files);
            prop_assert_eq!(parts.iter().sum::<usize>(), weights.len());
            let total: u64 = weights.iter().map(|weight| weight + 1).sum();
            let heaviest = weights.iter().max().map_or(0, |weight| weight + 1);
            let mut rest = weights.iter();
            for part in parts {
                let sum: u64 = rest.by_ref().take(part).map(|weight| weight + 1).sum();
                prop_assert!(sum <= total / files as u64 + heaviest + 1);
            }
        }
    }
}
