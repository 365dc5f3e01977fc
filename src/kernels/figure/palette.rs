//! Colours and dashes for things that have names.
//!
//! The colours are those of Okabe and Ito (2008, "Color universal design"), which readers with any
//! of the common colour vision deficiencies tell apart. Each comes with its own dash, so that lines
//! are told apart in grey print as well.

/// How the lines of one named thing look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    pub colour: &'static str,
    /// The value of `stroke-dasharray`.
    pub dash: &'static str,
}

/// Vermilion, blue, green, purple, orange, sky blue and black. Yellow of the original list is left
/// out, because a thin yellow line vanishes on white paper.
const MARKS: [Mark; 7] = [
    Mark { colour: "#d55e00", dash: "none" },
    Mark { colour: "#0072b2", dash: "7 3" },
    Mark { colour: "#009e73", dash: "2 2.5" },
    Mark { colour: "#cc79a7", dash: "9 3 2 3" },
    Mark { colour: "#e69f00", dash: "12 3" },
    Mark { colour: "#56b4e9", dash: "4 2" },
    Mark { colour: "#000000", dash: "1 3" },
];

/// The mark of the thing with this place in a list; after the seventh they repeat.
pub fn mark(place: usize) -> Mark {
    MARKS[place % MARKS.len()]
}

impl Mark {
    /// SVG attributes of an unfilled line in this mark.
    pub fn line(&self, width: f64) -> String {
        format!(
            "fill=\"none\" stroke=\"{}\" stroke-width=\"{width}\" stroke-dasharray=\"{}\" \
             stroke-linejoin=\"round\"",
            self.colour, self.dash
        )
    }
}

/// SVG attributes of a white line that lies under a coloured one, so that the coloured one shows
/// on any ground.
pub fn halo(width: f64) -> String {
    format!(
        "fill=\"none\" stroke=\"#ffffff\" stroke-width=\"{width}\" stroke-opacity=\"0.7\" \
         stroke-linejoin=\"round\""
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_differ_in_colour_and_dash() {
        for place in 0..20 {
            assert_ne!(mark(place).colour, mark(place + 1).colour);
            assert_ne!(mark(place).dash, mark(place + 1).dash);
        }
    }
}
