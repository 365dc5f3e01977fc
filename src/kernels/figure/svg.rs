//! A sheet of scalable vector graphics.

use std::fmt::Write as _;

/// Where a text sits relative to its anchor point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Anchor {
    Start,
    Middle,
    End,
}

impl Anchor {
    fn word(self) -> &'static str {
        match self {
            Anchor::Start => "start",
            Anchor::Middle => "middle",
            Anchor::End => "end",
        }
    }
}

/// Size and colour of a text.
#[derive(Clone, Copy, Debug)]
pub struct Lettering {
    /// Height in pixels.
    pub size: f64,
    pub bold: bool,
    pub fill: &'static str,
}

/// Text in a figure's title.
pub const TITLE: Lettering = Lettering { size: 20.0, bold: true, fill: INK };
/// Text in a panel's title.
pub const HEADING: Lettering = Lettering { size: 14.0, bold: true, fill: INK };
/// Names of axes, and sentences.
pub const LABEL: Lettering = Lettering { size: 13.0, bold: false, fill: INK };
/// Numbers on axes, and remarks.
pub const SMALL: Lettering = Lettering { size: 11.5, bold: false, fill: GREY };

/// Colour of text and frames.
pub const INK: &str = "#222222";
/// Colour of numbers and remarks.
pub const GREY: &str = "#555555";
/// Colour of grid lines and outlines.
pub const PALE: &str = "#d4d4d4";

/// An SVG document that is being drawn. Pixels from the upper left corner.
#[derive(Debug)]
pub struct Svg {
    size: [f64; 2],
    body: String,
    clips: usize,
}

impl Svg {
    /// An empty white sheet of a width and a height in pixels.
    pub fn new(width: f64, height: f64) -> Self {
        let mut svg = Svg { size: [width, height], body: String::new(), clips: 0 };
        svg.rectangle([0.0, 0.0], [width, height], "fill=\"#ffffff\"");
        svg
    }

    /// Draws a rectangle between two opposite corners; `style` is SVG attributes.
    pub fn rectangle(&mut self, from: [f64; 2], to: [f64; 2], style: &str) {
        let [x, y] = [from[0].min(to[0]), from[1].min(to[1])];
        let [width, height] = [(to[0] - from[0]).abs(), (to[1] - from[1]).abs()];
        self.put(&[
            "<rect x=\"",
            &number(x),
            "\" y=\"",
            &number(y),
            "\" width=\"",
            &number(width),
            "\" height=\"",
            &number(height),
            "\" ",
            style,
            "/>\n",
        ]);
    }

    /// Draws a straight line; `style` is SVG attributes.
    pub fn line(&mut self, from: [f64; 2], to: [f64; 2], style: &str) {
        self.path(&[from, to], style);
    }

    /// Draws a line through points; `style` is SVG attributes.
    pub fn path(&mut self, points: &[[f64; 2]], style: &str) {
        if points.is_empty() {
            return;
        }
        self.body.push_str("<path d=\"");
        for (at, [x, y]) in points.iter().enumerate() {
            self.put(&[if at == 0 { "M" } else { "L" }, &number(*x), " ", &number(*y)]);
        }
        self.put(&["\" ", style, "/>\n"]);
    }

    /// Draws a circle; `style` is SVG attributes.
    pub fn circle(&mut self, centre: [f64; 2], radius: f64, style: &str) {
        let [x, y] = centre.map(number);
        self.put(&["<circle cx=\"", &x, "\" cy=\"", &y, "\" r=\"", &number(radius), "\" "]);
        self.put(&[style, "/>\n"]);
    }

    /// Draws many dots of one diameter and colour. They are one path of zero-length strokes with
    /// round ends, because an element for each would make the file four times as long.
    pub fn dots(&mut self, centres: &[[f64; 2]], diameter: f64, colour: &str) {
        if centres.is_empty() {
            return;
        }
        self.body.push_str("<path d=\"");
        for [x, y] in centres {
            self.put(&["M", &number(*x), " ", &number(*y), "h0"]);
        }
        let width = format!("{diameter:.2}");
        self.put(&["\" stroke=\"", colour, "\" stroke-width=\"", &width]);
        self.body.push_str("\" stroke-linecap=\"round\" fill=\"none\"/>\n");
    }

    /// Draws many filled rectangles of one size and colour around their centres, as upright strokes
    /// of one path for the same reason.
    pub fn tiles(&mut self, centres: &[[f64; 2]], size: [f64; 2], colour: &str) {
        if centres.is_empty() {
            return;
        }
        let height = number(size[1]);
        self.body.push_str("<path d=\"");
        for [x, y] in centres {
            self.put(&["M", &number(*x), " ", &number(y - size[1] / 2.0), "v", &height]);
        }
        let width = format!("{:.2}", size[0]);
        self.put(&["\" stroke=\"", colour, "\" stroke-width=\"", &width]);
        self.body.push_str("\" fill=\"none\"/>\n");
    }

    /// Writes a line of text with its baseline at a point.
    pub fn text(&mut self, at: [f64; 2], text: &str, style: (Lettering, Anchor)) {
        let [x, y] = at.map(number);
        self.letters(&format!("x=\"{x}\" y=\"{y}\""), text, style);
    }

    /// Writes a line of text that reads upwards.
    pub fn upward_text(&mut self, at: [f64; 2], text: &str, style: (Lettering, Anchor)) {
        let [x, y] = at.map(number);
        self.letters(&format!("transform=\"translate({x} {y}) rotate(-90)\""), text, style);
    }

    /// Writes a line of text with a white rim, for places where data lie underneath.
    pub fn haloed_text(&mut self, at: [f64; 2], text: &str, style: (Lettering, Anchor)) {
        let [x, y] = at.map(number);
        // Viewers that do not know `paint-order` would hide thin letters under the rim, so the rim
        // is a text of its own.
        let rim = "stroke=\"#ffffff\" stroke-width=\"4\" stroke-linejoin=\"round\"";
        self.letters(&format!("x=\"{x}\" y=\"{y}\" {rim}"), text, style);
        self.letters(&format!("x=\"{x}\" y=\"{y}\""), text, style);
    }

    fn letters(&mut self, place: &str, text: &str, style: (Lettering, Anchor)) {
        let (Lettering { size, bold, fill }, anchor) = style;
        let weight = if bold { " font-weight=\"bold\"" } else { "" };
        // Control characters have no place in the format; a viewer would refuse the whole file.
        let plain = text.replace(|letter: char| letter.is_control(), " ");
        let escaped = plain.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        let _ = writeln!(
            self.body,
            "<text {place} font-size=\"{size}\" fill=\"{fill}\" text-anchor=\"{}\"{weight}>{escaped}</text>",
            anchor.word()
        );
    }

    /// Draws with everything outside a rectangle cut away.
    pub fn clipped(&mut self, from: [f64; 2], to: [f64; 2], draw: impl FnOnce(&mut Svg)) {
        let name = format!("clip{}", self.clips);
        self.clips += 1;
        self.put(&["<clipPath id=\"", &name, "\">"]);
        self.rectangle(from, to, "");
        self.put(&["</clipPath><g clip-path=\"url(#", &name, ")\">\n"]);
        draw(self);
        self.body.push_str("</g>\n");
    }

    /// The finished document.
    pub fn finish(self) -> String {
        let [width, height] = self.size.map(number);
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
             viewBox=\"0 0 {width} {height}\" font-family=\"'DejaVu Sans', Helvetica, Arial, \
             sans-serif\">\n{}</svg>\n",
            self.body
        )
    }

    fn put(&mut self, parts: &[&str]) {
        parts.iter().for_each(|part| self.body.push_str(part));
    }
}

/// A coordinate with at most one decimal; what is not finite lands at the origin.
fn number(value: f64) -> String {
    if !value.is_finite() {
        return "0".to_owned();
    }
    let tenths = (value * 10.0).round() as i64;
    if tenths % 10 == 0 {
        return (tenths / 10).to_string();
    }
    let sign = if tenths < 0 { "-" } else { "" };
    format!("{sign}{}.{}", tenths.abs() / 10, tenths.abs() % 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn coordinates_are_short_and_keep_their_sign() {
        assert_eq!(number(12.0), "12");
        assert_eq!(number(-0.26), "-0.3");
        assert_eq!(number(3.1499), "3.1");
        assert_eq!(number(-0.01), "0");
        assert_eq!(number(f64::NAN), "0");
    }

    #[test]
    fn text_with_markup_characters_is_escaped() {
        let mut svg = Svg::new(10.0, 10.0);
        svg.text([1.0, 2.0], "a < b & c\u{1}", (LABEL, Anchor::Start));
        assert!(svg.finish().contains("a &lt; b &amp; c <"));
    }
}
