//! What one invocation knows of its surroundings: paths, environment, terminal, clock, outputs.
//!
//! Built once for the process and handed down, so that two sessions can live in one test and no
//! room reads a global.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;
use std::time::{Duration, Instant, SystemTime};

use crate::cli::error::{CliError, Kind};
use crate::cli::options::{ColorChoice, GlobalOptions, ProgressChoice};
use crate::model::text::shell_quote;
use crate::ui::json::JsonView;
use crate::ui::line::Line;
use crate::ui::live::LiveView;
use crate::ui::plain::PlainView;
use crate::ui::sink::Sink;
use crate::ui::view::{Manner, Screen, Verbosity, View};

/// Where a terminal does not tell its size.
const USUAL_SCREEN: Screen = Screen { columns: 80, rows: 24 };

/// Everything a command may know of the world outside its arguments.
pub struct Session {
    /// The directory in which the command works; absolute.
    pub directory: PathBuf,
    /// The environment as it was when the program started.
    pub env: BTreeMap<OsString, OsString>,
    /// This program, for children that run native steps.
    pub program: PathBuf,
    /// The command line as typed, for the lock's owner record.
    pub command_line: String,
    pub clock: Clock,
    pub terminal: Terminal,
    pub verbosity: Verbosity,
    pub color: ColorChoice,
    /// Answers: what another program may read.
    output: Box<dyn Write + Send>,
    /// Words for people.
    messages: Box<dyn Write + Send>,
}

/// What is known of the terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terminal {
    pub stdout: bool,
    pub stderr: bool,
}

/// The time since the program started, and the time of day.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    start: Instant,
    start_of_day: SystemTime,
}

impl Clock {
    pub fn started_now() -> Self {
        Clock { start: Instant::now(), start_of_day: SystemTime::now() }
    }

    /// Time since the program started; never goes back.
    pub fn elapsed(&self) -> Duration {
        self.start.elapsed()
    }

    /// Milliseconds since the Unix epoch.
    pub fn unix_ms(&self) -> u64 {
        let now = self.start_of_day + self.elapsed();
        let since = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    }
}

impl Session {
    /// The session of this process. With `-C` the process changes into that directory, because
    /// native steps and children resolve relative paths there.
    pub fn of_process(options: &GlobalOptions) -> Result<Session, CliError> {
        if let Some(directory) = &options.directory {
            std::env::set_current_dir(directory).map_err(|error| {
                let what = format!("cannot work in `{}`", directory.display());
                CliError::new(Kind::Usage, what).caused_by(&error)
            })?;
        }
        let here = std::env::current_dir().map_err(|error| {
            CliError::new(Kind::Environment, "the current directory is gone").caused_by(&error)
        })?;
        let program = std::env::current_exe().map_err(|error| {
            CliError::new(Kind::Environment, "cannot tell where this program lies")
                .caused_by(&error)
        })?;
        Ok(Session {
            directory: here,
            env: std::env::vars_os().collect(),
            program,
            command_line: std::env::args_os()
                .map(|word| shell_quote(&word.to_string_lossy()))
                .collect::<Vec<_>>()
                .join(" "),
            clock: Clock::started_now(),
            terminal: Terminal {
                stdout: io::stdout().is_terminal(),
                stderr: io::stderr().is_terminal(),
            },
            verbosity: options.verbosity(),
            color: options.color,
            output: Box::new(io::stdout()),
            messages: Box::new(io::stderr()),
        })
    }

    /// A session in a directory with outputs of the caller's choice, an empty environment and no
    /// terminal.
    pub fn apart(
        directory: PathBuf,
        output: impl Write + Send + 'static,
        messages: impl Write + Send + 'static,
    ) -> Session {
        Session {
            program: directory.join("attpc"),
            directory,
            env: BTreeMap::new(),
            command_line: "attpc".to_owned(),
            clock: Clock::started_now(),
            terminal: Terminal { stdout: false, stderr: false },
            verbosity: Verbosity::Normal,
            color: ColorChoice::Auto,
            output: Box::new(output),
            messages: Box::new(messages),
        }
    }

    /// An environment variable's value; empty counts as unset, as NO_COLOR asks.
    pub fn variable(&self, name: &str) -> Option<&OsStr> {
        self.env.get(OsStr::new(name)).map(OsString::as_os_str).filter(|value| !value.is_empty())
    }

    /// Writes an answer to standard output.
    pub fn print(&mut self, text: &str) -> Result<(), CliError> {
        let written = self.output.write_all(text.as_bytes());
        written.and_then(|()| self.output.flush()).map_err(|error| match error.kind() {
            io::ErrorKind::BrokenPipe => CliError::reader_gone(),
            _ => CliError::new(Kind::Environment, "cannot write to standard output")
                .caused_by(&error),
        })
    }

    /// Writes an answer's lines to standard output, coloured if that is a terminal.
    pub fn print_lines(&mut self, lines: &[Line]) -> Result<(), CliError> {
        let colour = self.colours(self.terminal.stdout);
        let text: String = lines.iter().map(|line| line.render(colour) + "\n").collect();
        self.print(&text)
    }

    /// Writes words for people to standard error, unless only trouble is wanted. Nothing is left
    /// to be done when even that fails.
    pub fn tell(&mut self, lines: &[Line]) {
        if self.verbosity > Verbosity::Quiet {
            let colour = self.colours(self.terminal.stderr);
            let text: String = lines.iter().map(|line| line.render(colour) + "\n").collect();
            let _told = self.messages.write_all(text.as_bytes());
        }
    }

    /// Writes trouble to standard error.
    pub fn complain(&mut self, error: &CliError) {
        let text = error.present(self.colours(self.terminal.stderr));
        let _told = self.messages.write_all(text.as_bytes());
    }

    /// The width for tables on standard output; `None` where nothing needs to be cut.
    pub fn width(&self) -> Option<usize> {
        self.terminal.stdout.then(|| screen(&io::stdout()).columns)
    }

    /// Whether an output is coloured.
    pub fn colours(&self, is_terminal: bool) -> bool {
        match self.color {
            ColorChoice::Always => true,
            ColorChoice::Never => false,
            ColorChoice::Auto => {
                is_terminal && self.variable("NO_COLOR").is_none() && !self.is_dumb()
            }
        }
    }

    /// True for a terminal that cannot move its cursor.
    fn is_dumb(&self) -> bool {
        self.variable("TERM").is_some_and(|term| term == "dumb")
    }

    /// The view of a build: on standard output for programs, on standard error for people.
    pub fn view(&self, progress: ProgressChoice, json: bool) -> Box<dyn View + Send> {
        if json || progress == ProgressChoice::Json {
            return Box::new(JsonView::new(Sink::new(io::stdout())));
        }
        let live = match progress {
            ProgressChoice::Bar => true,
            ProgressChoice::Auto => self.terminal.stderr && !self.is_dumb(),
            _ => false,
        };
        let manner = Manner {
            verbosity: self.verbosity,
            colour: self.colours(self.terminal.stderr),
            progress: progress != ProgressChoice::None,
        };
        let sink = Sink::new(io::stderr());
        if live {
            Box::new(LiveView::new(sink, manner, || screen(&io::stderr())))
        } else {
            Box::new(PlainView::new(sink, manner))
        }
    }
}

/// The size of the terminal behind an output.
fn screen(output: &impl std::os::fd::AsFd) -> Screen {
    match rustix::termios::tcgetwinsize(output) {
        Ok(size) if size.ws_col > 0 && size.ws_row > 0 => {
            Screen { columns: size.ws_col.into(), rows: size.ws_row.into() }
        }
        _ => USUAL_SCREEN,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session(env: &[(&str, &str)]) -> Session {
        let mut session = Session::apart("/project".into(), io::sink(), io::sink());
        session.env = env.iter().map(|(name, value)| (name.into(), value.into())).collect();
        session
    }

    #[test]
    fn colours_need_a_terminal_that_wants_them() {
        assert!(session(&[("TERM", "xterm")]).colours(true));
        assert!(session(&[("NO_COLOR", "")]).colours(true));
        assert!(!session(&[("NO_COLOR", "1")]).colours(true));
        assert!(!session(&[("TERM", "dumb")]).colours(true));
        assert!(!session(&[]).colours(false));
        let mut always = session(&[("NO_COLOR", "1")]);
        always.color = ColorChoice::Always;
        assert!(always.colours(false));
    }

    #[test]
    fn a_reader_that_left_is_no_error_to_speak_of() {
        let (reader, writer) = io::pipe().unwrap();
        drop(reader);
        let mut session = Session::apart("/project".into(), writer, io::sink());
        let error = session.print("answer\n").unwrap_err();
        assert_eq!((error.exit_code(), error.present(false)), (0, String::new()));
    }
}
