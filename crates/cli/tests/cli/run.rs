use serde_json::Value;
use std::ffi::OsStr;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use tempfile::TempDir;

/// A temporary directory with room for a store and input files.
pub(crate) struct Place(TempDir);

impl Place {
    pub(crate) fn new() -> Place {
        Place(tempfile::tempdir().unwrap())
    }

    /// The store's directory; nothing is there yet.
    pub(crate) fn store(&self) -> String {
        self.path("store")
    }

    pub(crate) fn path(&self, name: &str) -> String {
        self.0.path().join(name).to_str().unwrap().to_owned()
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.path().join(name).exists()
    }

    /// A file with these bytes.
    pub(crate) fn file(&self, name: &str, bytes: impl AsRef<[u8]>) -> String {
        std::fs::write(self.0.path().join(name), bytes).unwrap();
        self.path(name)
    }

    /// A store with these lines.
    pub(crate) fn with(lines: &[String]) -> Place {
        let place = Place::new();
        place.import(lines).ok();
        place
    }

    /// Imports these lines.
    pub(crate) fn import(&self, lines: &[String]) -> Run {
        let file = self.file("events.jsonl", lines.join("\n"));
        run(["import", &self.store(), &file])
    }

    /// Runs a verb on the store, with these arguments behind it.
    pub(crate) fn verb(&self, verb: &str, rest: &[&str]) -> Run {
        let store = self.store();
        run([verb, &store].iter().chain(rest))
    }

    /// The lines of the store's export.
    pub(crate) fn export(&self) -> String {
        self.verb("export", &[]).ok().text()
    }
}

/// How a command ended.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) code: i32,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: String,
}

impl Run {
    /// Asserts the exit status.
    #[track_caller]
    pub(crate) fn code(self, code: i32) -> Run {
        assert_eq!(self.code, code, "stderr: {}\nstdout: {}", self.stderr, self.text_lossy());
        self
    }

    /// Asserts that it was done, in silence.
    #[track_caller]
    pub(crate) fn ok(self) -> Run {
        let run = self.code(0);
        assert_eq!(run.stderr, "");
        run
    }

    fn text_lossy(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.stdout.clone()).unwrap()
    }

    /// The one JSON value on the one line.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        let values = self.json_lines();
        assert_eq!(values.len(), 1, "one line is expected: {}", self.text_lossy());
        values.into_iter().next().unwrap()
    }

    /// A JSON value a line.
    #[track_caller]
    pub(crate) fn json_lines(&self) -> Vec<Value> {
        let text = self.text();
        assert!(text.is_empty() || text.ends_with('\n'), "the last line has no end");
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

/// Runs the binary with nothing on standard input.
pub(crate) fn run<S: AsRef<OsStr>>(args: impl IntoIterator<Item = S>) -> Run {
    run_with(args, b"")
}

/// Runs the binary with these bytes on standard input.
pub(crate) fn run_with<S: AsRef<OsStr>>(args: impl IntoIterator<Item = S>, input: &[u8]) -> Run {
    run_command(binary(args), input)
}

fn binary<S: AsRef<OsStr>>(args: impl IntoIterator<Item = S>) -> Command {
    let mut command = Command::new(PathBuf::from(env!("CARGO_BIN_EXE_tracekeep")));
    command.args(args);
    command
}

/// Starts the binary.
pub(crate) fn start<S: AsRef<OsStr>>(args: impl IntoIterator<Item = S>) -> Child {
    start_command(binary(args))
}

fn start_command(mut command: Command) -> Child {
    let command = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().unwrap()
}

/// Runs this with these bytes on standard input.
pub(crate) fn run_command(command: Command, input: &[u8]) -> Run {
    let mut child = start_command(command);
    // Small enough for a pipe; the child may end without reading it.
    let _ = child.stdin.take().unwrap().write_all(input);
    let output = child.wait_with_output().unwrap();
    Run {
        code: output.status.code().unwrap(),
        stdout: output.stdout,
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// The keys of an object, sorted.
pub(crate) fn keys(value: &Value) -> Vec<&str> {
    let mut keys: Vec<&str> = value.as_object().unwrap().keys().map(String::as_str).collect();
    keys.sort_unstable();
    keys
}
