//! The runner; see the library.

fn main() -> std::process::ExitCode {
    bench_peers::main()
}
