//! The page as a whole.

use crate::kernels::report::embed::embed;
use crate::kernels::report::escape;
use crate::kernels::report::table::Table;

const STYLE: &str = include_str!("page.css");

/// How much a remark asks of the reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Weight {
    /// Something may be wrong.
    Check,
    /// Worth knowing.
    Note,
}

/// A remark on the results.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    pub weight: Weight,
    pub words: String,
    /// Name of the section that shows more.
    pub section: &'static str,
}

/// A picture with its caption.
#[derive(Clone, Debug, PartialEq)]
pub struct Picture {
    pub caption: String,
    pub svg: String,
}

/// What a section holds.
#[derive(Clone, Debug, PartialEq)]
pub enum Block {
    Words(String),
    /// A table, with a heading of its own unless that is empty.
    Table(String, Table),
    /// A long table, shown once its heading is clicked.
    Folded(String, Table),
    Picture(Picture),
    /// Lines as they are.
    Lines(Vec<String>),
}

/// A section; without blocks it is left out.
#[derive(Clone, Debug, PartialEq)]
pub struct Section {
    /// Its name in links: lower-case letters.
    pub name: &'static str,
    pub heading: &'static str,
    pub blocks: Vec<Block>,
}

/// The content of a page.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Page {
    pub title: String,
    pub description: String,
    /// Numbers that sum everything up, each with its noun.
    pub facts: Vec<(String, String)>,
    pub findings: Vec<Finding>,
    pub sections: Vec<Section>,
    pub footer: String,
}

impl Page {
    /// The page as HTML.
    pub fn html(&self) -> String {
        let shown: Vec<&Section> =
            self.sections.iter().filter(|section| !section.blocks.is_empty()).collect();
        let mut html = head(&self.title);
        html += &format!("<header>\n<h1>{}</h1>\n", escape(&self.title));
        if !self.description.is_empty() {
            html += &format!("<p class=\"lead\">{}</p>\n", escape(&self.description));
        }
        html += &self.facts_html();
        html += "</header>\n<nav aria-label=\"sections\">";
        for section in &shown {
            html += &format!("<a href=\"#{}\">{}</a>", section.name, escape(section.heading));
        }
        html += "</nav>\n<main>\n";
        html += &self.findings_html(&shown);
        let mut pictures = 0;
        for section in shown {
            html += &section_html(section, &mut pictures);
        }
        html += "</main>\n";
        html + format!("<footer>{}</footer>\n</body>\n</html>\n", escape(&self.footer)).as_str()
    }

    fn facts_html(&self) -> String {
        if self.facts.is_empty() {
            return String::new();
        }
        let fact = |(number, noun): &(String, String)| {
            format!("<li><b>{}</b><span>{}</span></li>\n", escape(number), escape(noun))
        };
        let facts: String = self.facts.iter().map(fact).collect();
        format!("<ul class=\"facts\">\n{facts}</ul>\n")
    }

    fn findings_html(&self, shown: &[&Section]) -> String {
        let mut html = String::from("<section id=\"first\">\n<h2>Look here first</h2>\n");
        if self.findings.is_empty() {
            html += "<p>Nothing stands out.</p>\n</section>\n";
            return html;
        }
        let mut findings: Vec<&Finding> = self.findings.iter().collect();
        findings.sort_by_key(|finding| finding.weight);
        html += "<ul class=\"findings\">\n";
        for finding in findings {
            let (class, word) = match finding.weight {
                Weight::Check => ("check", "Check"),
                Weight::Note => ("note", "Note"),
            };
            let words = escape(&finding.words);
            let link = match shown.iter().find(|section| section.name == finding.section) {
                Some(section) => format!(
                    " (<a href=\"#{}\">{}</a>)",
                    section.name,
                    escape(&section.heading.to_lowercase())
                ),
                None => String::new(),
            };
            html += &format!("<li class=\"{class}\"><b>{word}</b>{words}{link}</li>\n");
        }
        html + "</ul>\n</section>\n"
    }
}

fn head(title: &str) -> String {
    // The policy keeps the promise of one file: nothing runs, nothing is fetched.
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; \
         style-src 'unsafe-inline'; img-src data:\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n",
        escape(title)
    )
}

fn section_html(section: &Section, pictures: &mut usize) -> String {
    let mut html =
        format!("<section id=\"{}\">\n<h2>{}</h2>\n", section.name, escape(section.heading));
    for block in &section.blocks {
        html += &match block {
            Block::Words(words) => format!("<p>{}</p>\n", escape(words)),
            Block::Table(heading, table) if heading.is_empty() => table.html(),
            Block::Table(heading, table) => {
                format!("<h3>{}</h3>\n{}", escape(heading), table.html())
            }
            Block::Folded(heading, table) => format!(
                "<details>\n<summary>{}</summary>\n{}</details>\n",
                escape(heading),
                table.html()
            ),
            Block::Picture(picture) => {
                *pictures += 1;
                picture_html(picture, *pictures)
            }
            Block::Lines(lines) => format!("<pre>{}</pre>\n", escape(&lines.join("\n"))),
        };
    }
    html + "</section>\n"
}

fn picture_html(picture: &Picture, number: usize) -> String {
    let drawing = embed(&picture.svg, &format!("figure-{number}"), &picture.caption);
    format!(
        "<figure id=\"figure-{number}\">\n{drawing}\n<figcaption>Figure {number}. {}</figcaption>\n\
         </figure>\n",
        escape(&picture.caption)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page() -> Page {
        let drawing = "<svg viewBox=\"0 0 1 1\"><clipPath id=\"c\"></clipPath></svg>";
        let picture = |words: &str| {
            Block::Picture(Picture { caption: words.to_owned(), svg: drawing.to_owned() })
        };
        Page {
            title: "Trial <1>".to_owned(),
            findings: vec![
                Finding { weight: Weight::Note, words: "b".to_owned(), section: "figures" },
                Finding { weight: Weight::Check, words: "a & c".to_owned(), section: "gone" },
            ],
            sections: vec![
                Section { name: "gone", heading: "Gone", blocks: Vec::new() },
                Section {
                    name: "figures",
                    heading: "Figures",
                    blocks: vec![picture("x"), picture("y")],
                },
            ],
            ..Page::default()
        }
    }

    #[test]
    fn nothing_can_leave_or_enter_the_page() {
        let html = page().html();
        assert!(html.contains("default-src 'none'"));
        for outside in ["http://", "https://", "<script", "<link", "@import", "src=\"h"] {
            assert!(!html.contains(outside), "{outside}");
        }
        assert!(html.contains("<title>Trial &lt;1&gt;</title>"));
    }

    #[test]
    fn names_are_unique_and_empty_sections_are_left_out() {
        let html = page().html();
        let mut names: Vec<&str> = html
            .match_indices(" id=\"")
            .map(|(at, _)| html[at + 5..].split('"').next().unwrap())
            .collect();
        let all = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!((names.len(), all), (6, 6), "{names:?}");
        assert!(!html.contains("Gone"));
    }

    #[test]
    fn what_may_be_wrong_comes_first() {
        let html = page().html();
        let [check, note] = ["a &amp; c</li>", "b (<a href=\"#figures\">figures</a>)</li>"];
        assert!(html.find(check).unwrap() < html.find(note).unwrap());
        let quiet = Page { findings: Vec::new(), ..page() }.html();
        assert!(quiet.contains("Nothing stands out."));
    }
}
