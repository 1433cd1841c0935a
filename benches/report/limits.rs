//! What the machine gives at best, in the same run.

use crate::common::{Records, agents, folder, unrelated};
use crate::rounds;
use crate::table::{Table, Took, timed};
use std::hint::black_box;
use tracekeep_measure::disk;

pub(crate) fn limits(table: &mut Table) {
    let source = vec![7u8; 64 << 20];
    let mut target = vec![0u8; 64 << 20];
    let copies: Vec<f64> = (0..rounds())
        .map(|_| {
            let (_, took) = timed(|| black_box(&mut target).copy_from_slice(black_box(&source)));
            source.len() as f64 / took.wall.as_secs_f64() / 1e9
        })
        .collect();
    table.row("memcpy of 64 MiB", &copies, "GB/s", "", "");

    let bytes = text(&agents(2_000));
    let mut compressor = zstd::bulk::Compressor::new(1).unwrap();
    let rates: Vec<f64> = (0..rounds())
        .map(|_| {
            let (_, took) = timed(|| {
                for piece in bytes.chunks(16 << 10) {
                    black_box(compressor.compress(piece).unwrap());
                }
            });
            bytes.len() as f64 / took.cpu.as_secs_f64() / 1e6
        })
        .collect();
    table.row("zstd-1 of agents' payloads, 16 KB each", &rates, "MB/s", "", "");

    blocks(table);
    files(table);

    for size in [512usize, 4 << 10, 64 << 10] {
        let us = disk::synced_writes(folder().path(), size, 200).unwrap();
        table.row(&format!("write and fdatasync of {size} bytes"), &us, "us", "", "140 to 250");
    }
}

/// What sealing and reading of blocks come to, if all else were free.
fn blocks(table: &mut Table) {
    let bytes = text(&unrelated(200));
    let mut compressor = zstd::bulk::Compressor::new(9).unwrap();
    let mut decompressor = zstd::bulk::Decompressor::new().unwrap();
    let (mut packing, mut unpacking) = (Vec::new(), Vec::new());
    for _ in 0..rounds() {
        let rate = |took: Took| bytes.len() as f64 / took.cpu.as_secs_f64() / 1e6;
        let pieces = || bytes.chunks(64 << 10);
        let (packed, took) =
            timed(|| pieces().map(|raw| compressor.compress(raw).unwrap()).collect::<Vec<_>>());
        packing.push(rate(took));
        let mut raw = vec![0; 64 << 10];
        let (_, took) = timed(|| {
            for piece in &packed {
                black_box(decompressor.decompress_to_buffer(piece, &mut raw).unwrap());
            }
        });
        unpacking.push(rate(took));
    }
    table.row("zstd-9 of unrelated text, blocks of 64 KiB", &packing, "MB/s", "", "");
    table.row("the same, decompressed", &unpacking, "MB/s", "", "");
}

/// What opening a thousand segments comes to, which have two files each.
fn files(table: &mut Table) {
    let files = folder();
    let names: Vec<_> = (0..2_000).map(|i| files.path().join(i.to_string())).collect();
    names.iter().for_each(|name| std::fs::write(name, [7; 4096]).unwrap());
    let ms: Vec<f64> = (0..rounds())
        .map(|_| {
            let (sum, took) = timed(|| {
                names.iter().map(|name| usize::from(std::fs::read(name).unwrap()[0])).sum::<usize>()
            });
            assert_eq!(sum, names.len() * 7);
            took.wall.as_secs_f64() * 1e3
        })
        .collect();
    table.row("2,000 files of 4 KB opened and read", &ms, "ms", "", "");
}

/// All payloads, one after the other.
fn text(data: &Records) -> Vec<u8> {
    data.records.iter().flat_map(payloads).flatten().copied().collect()
}

fn payloads(record: &tracekeep::model::Record) -> impl Iterator<Item = &Vec<u8>> {
    record.fields().iter().filter_map(|f| match &f.value {
        tracekeep::model::Value::Payload(bytes) => Some(bytes),
        _ => None,
    })
}
