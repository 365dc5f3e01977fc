//! From a prepared job to a process, or to the reason why there is none.
//!
//! `Command` spawns without copying our memory map only while the program is given with a slash
//! and nothing is asked for that needs code between fork and exec. So the program is looked up
//! here, on the PATH that the job will see, which also makes better messages.

use std::ffi::{OsStr, OsString};
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};

use rustix::fs::{Access, access};
use rustix::io::Errno;

use crate::execute::local::PreparedJob;

/// Where programs are looked for when the job's environment has no PATH, as execvp(3) does.
const DEFAULT_PATH: &str = "/bin:/usr/bin";

/// Why a job could not be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("the command has no words")]
    Empty,
    #[error("found no program `{program}` on the PATH `{path}`")]
    NotFound { program: String, path: String },
    #[error("found no program at `{}`", .program.display())]
    NoFile { program: PathBuf },
    #[error("the file is not executable: `{}`", .program.display())]
    NotExecutable { program: PathBuf },
    #[error("the interpreter in the first line is missing: `{}`", .program.display())]
    NoInterpreter { program: PathBuf },
    #[error("neither a program nor a script that begins with `#!`: `{}`", .program.display())]
    NoProgram { program: PathBuf },
    #[error("command and environment are too long with {bytes} bytes")]
    TooLong { bytes: usize },
    #[error("cannot use the working directory `{}`", .directory.display())]
    Directory { directory: PathBuf, source: io::Error },
    #[error("cannot write the log `{}`", .log.display())]
    Log { log: PathBuf, source: io::Error },
    #[error("cannot start `{}`", .program.to_string_lossy())]
    Spawn { program: OsString, source: io::Error },
}

/// Starts the process as the leader of a group of its own.
pub(super) fn spawn(job: &PreparedJob, null: &File) -> Result<Child, StartError> {
    let (name, words) = job.argv.split_first().ok_or(StartError::Empty)?;
    let program = find_program(name, job)?;
    let log = open_log(&job.log)?;
    let log_again = log.try_clone().map_err(|source| error(job, source))?;
    let null = null.try_clone().map_err(|source| error(job, source))?;
    Command::new(&program)
        .arg0(name)
        .args(words)
        .env_clear()
        .envs(job.env.iter().map(|(name, value)| (name, value)))
        .current_dir(&job.directory)
        .process_group(0)
        .stdin(null)
        .stdout(log)
        .stderr(log_again)
        .spawn()
        .map_err(|source| explain(job, program, source))
}

/// The error for which there is no better one.
pub(super) fn error(job: &PreparedJob, source: io::Error) -> StartError {
    StartError::Spawn { program: job.argv.first().cloned().unwrap_or_default(), source }
}

fn open_log(log: &Path) -> Result<File, StartError> {
    OpenOptions::new()
        .append(true)
        .create(true)
        .open(log)
        .map_err(|source| StartError::Log { log: log.to_owned(), source })
}

/// The file of a program, absolute if the job's directory is.
fn find_program(name: &OsStr, job: &PreparedJob) -> Result<PathBuf, StartError> {
    if name.as_bytes().contains(&b'/') {
        let program = job.directory.join(name);
        return match can_execute(&program) {
            Executable::Yes => Ok(program),
            Executable::No => Err(StartError::NotExecutable { program }),
            Executable::Missing => Err(StartError::NoFile { program }),
        };
    }
    let path = (job.env.iter().rev())
        .find(|(name, _)| name == "PATH")
        .map_or(OsStr::new(DEFAULT_PATH), |(_, path)| path);
    let mut not_executable = None;
    for directory in path.as_bytes().split(|&byte| byte == b':') {
        // An empty or relative entry means from the job's directory.
        let program = job.directory.join(OsStr::from_bytes(directory)).join(name);
        match can_execute(&program) {
            Executable::Yes => return Ok(program),
            Executable::No => not_executable = not_executable.or(Some(program)),
            Executable::Missing => {}
        }
    }
    Err(match not_executable {
        Some(program) => StartError::NotExecutable { program },
        None => StartError::NotFound {
            program: name.to_string_lossy().into_owned(),
            path: path.to_string_lossy().into_owned(),
        },
    })
}

enum Executable {
    Yes,
    No,
    Missing,
}

fn can_execute(program: &Path) -> Executable {
    let executable = access(program, Access::EXEC_OK).is_ok();
    match program.metadata() {
        Ok(facts) if facts.is_file() && executable => Executable::Yes,
        Ok(facts) if facts.is_file() => Executable::No,
        _ => Executable::Missing,
    }
}

/// Why a program that is there did not start.
fn explain(job: &PreparedJob, program: PathBuf, source: io::Error) -> StartError {
    let directory = std::fs::read_dir(&job.directory).map(drop);
    match Errno::from_io_error(&source) {
        Some(Errno::NOENT | Errno::NOTDIR | Errno::ACCESS) if directory.is_err() => {
            let source = directory.err().unwrap_or(source);
            StartError::Directory { directory: job.directory.clone(), source }
        }
        Some(Errno::NOENT) => StartError::NoInterpreter { program },
        Some(Errno::ACCESS) => StartError::NotExecutable { program },
        Some(Errno::NOEXEC) => StartError::NoProgram { program },
        Some(Errno::TOOBIG) => {
            let words: usize = job.argv.iter().map(|word| word.len() + 1).sum();
            let env: usize = job.env.iter().map(|(name, value)| name.len() + value.len() + 2).sum();
            StartError::TooLong { bytes: words + env }
        }
        _ => error(job, source),
    }
}
