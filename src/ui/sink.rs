//! Where a view's lines go.

use std::io::Write;

/// An output that goes quiet once its reader is gone.
///
/// A build must not die or stop because the pager or the pipe that showed it was closed, so the
/// first failed write mutes the sink; what happened is still in the journal.
pub struct Sink {
    output: Box<dyn Write + Send>,
    open: bool,
}

impl Sink {
    /// A sink on an output, such as standard error.
    pub fn new(output: impl Write + Send + 'static) -> Self {
        Sink { output: Box::new(output), open: true }
    }

    /// Writes a text in one call and flushes it.
    pub fn write(&mut self, text: &str) {
        if self.open && !text.is_empty() {
            let written = self.output.write_all(text.as_bytes());
            self.open = written.and_then(|()| self.output.flush()).is_ok();
        }
    }

    /// False once a write has failed.
    pub fn is_open(&self) -> bool {
        self.open
    }
}

#[cfg(test)]
pub(crate) mod capture {
    //! A sink that tests can read back.

    use std::io::{self, Write};
    use std::sync::{Arc, Mutex};

    #[derive(Clone, Default)]
    pub struct Captured(Arc<Mutex<Vec<u8>>>);

    impl Captured {
        /// Takes what was written since the last call.
        pub fn take(&self) -> String {
            String::from_utf8(std::mem::take(&mut *self.0.lock().unwrap())).unwrap()
        }
    }

    impl Write for Captured {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Closed;

    impl Write for Closed {
        fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
            Err(std::io::ErrorKind::BrokenPipe.into())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_closed_reader_mutes_the_sink() {
        let mut sink = Sink::new(Closed);
        sink.write("one\n");
        assert!(!sink.is_open());
        sink.write("two\n");
    }
}
