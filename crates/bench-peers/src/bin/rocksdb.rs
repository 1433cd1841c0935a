//! The child that has RocksDB.

fn main() -> std::process::ExitCode {
    bench_peers::child_main(bench_peers::engine::rocksdb::open)
}
