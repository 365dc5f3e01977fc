//! Drawing on paper: scalable vector graphics as text, axes, colours and histograms.
//!
//! It knows nothing of any technique. Numbers come in, SVG text goes out, and the same numbers
//! always give the same text, because a figure is an artifact with a digest like any other.
//! Coordinates keep a tenth of a pixel, so that dense detector pictures stay sharp when enlarged.

pub mod axes;
pub mod colour;
pub mod density;
pub mod histogram;
pub mod legend;
pub mod palette;
pub mod spread;
pub mod svg;
