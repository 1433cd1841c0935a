//! The child that has DuckDB.

fn main() -> std::process::ExitCode {
    bench_peers::child_main(bench_peers::engine::duckdb::open)
}
