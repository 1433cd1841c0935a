use super::split::Cut;
use super::*;
use crate::id::StoreKey;
use crate::limits::{LITERAL_BYTES_MAX, PART_WHOLE_BYTES_MAX};
use proptest::collection::vec;
use proptest::prelude::*;

/// A sink that keeps all parts.
#[derive(Default)]
struct Parts(Vec<Vec<u8>>);

impl PartSink for Parts {
    fn part(&mut self, bytes: &[u8]) -> u32 {
        assert!(!bytes.is_empty() && bytes.len() <= PART_WHOLE_BYTES_MAX);
        self.0.push(bytes.to_vec());
        self.0.len() as u32 - 1
    }
}

impl Parts {
    fn join(&self, list: &[u8]) -> Vec<u8> {
        let mut payload = Vec::new();
        for item in items(list, self.0.len() as u32) {
            match item.unwrap() {
                Item::Literal(bytes) => payload.extend_from_slice(bytes),
                Item::Run { first, count, separator } => {
                    for part in first..first + count {
                        payload.extend_from_slice(separator.bytes());
                        payload.extend_from_slice(&self.0[part as usize]);
                    }
                }
            }
        }
        payload
    }

    fn bytes(&self) -> usize {
        self.0.iter().map(Vec::len).sum()
    }
}

struct Log {
    deduper: Deduper,
    parts: Parts,
}

impl Log {
    fn new() -> Log {
        Log { deduper: Deduper::new(&StoreKey([3; 32]), 1 << 20), parts: Parts::default() }
    }

    /// Adds a payload, checks that it comes back, and gives its list and print.
    fn add(&mut self, streams: &[u64], payload: &[u8]) -> (Vec<u8>, u64) {
        let mut list = ListBuilder::new();
        let (len, print) = self.deduper.add(streams, payload.to_vec(), &mut self.parts, &mut list);
        assert_eq!(len, payload.len() as u64);
        let mut bytes = Vec::new();
        list.encode(&mut bytes);
        assert_eq!(self.parts.join(&bytes), payload);
        (bytes, print)
    }
}

fn message(i: usize) -> String {
    let role = ["system", "user", "assistant"][i % 3];
    format!(r#"{{"role":"{role}","content":"message {i} {}"}}"#, "and so on ".repeat(i % 7 + 3))
}

fn conversation(messages: usize) -> String {
    (0..messages).map(message).collect::<Vec<_>>().join(",")
}

fn cuts(bytes: &[u8]) -> Vec<(usize, Cut)> {
    let (mut at, mut state, mut cuts) = (0, SplitState::default(), Vec::new());
    let mut brackets = Brackets::new();
    let mut splitter = Splitter::new(state, bytes, &mut brackets);
    while at < bytes.len() {
        let cut = next_part(state, &bytes[at..]);
        // What it remembers of earlier parts changes nothing.
        assert_eq!(splitter.next_cut(), cut);
        assert!(cut.len > 0 && cut.len <= PART_WHOLE_BYTES_MAX);
        cuts.push((at, cut));
        (at, state) = (at + cut.len, cut.state);
    }
    assert_eq!(at, bytes.len());
    cuts
}

fn texts(bytes: &str) -> Vec<&str> {
    cuts(bytes.as_bytes()).iter().map(|(at, cut)| &bytes[*at..at + cut.len]).collect()
}

#[test]
fn a_message_is_a_part() {
    let (a, b) = (message(1), message(2));
    assert_eq!(texts(&format!("[{a},{b}]")), ["[", &a, &format!(",{b}"), "]"]);
    let wrapped = format!(r#"{{"messages":[{a},{b}],"n":1}}"#);
    let expected = [r#"{"messages":["#, &a, &format!(",{b}"), r#"],"n":1}"#];
    assert_eq!(texts(&wrapped), expected);
    assert_eq!(texts(&format!(r#"{{"message":{a}}}"#)), [r#"{"message":"#, &a, "}"]);
    assert_eq!(texts(&format!("[[\n  {a}]]")), ["[[", &format!("\n  {a}"), "]]"]);
    assert_eq!(texts(&a), [&a]);
}

#[test]
fn a_message_with_a_list_of_its_own_is_a_part() {
    let block = format!(r#"{{"type":"text","text":"{}"}}"#, "words ".repeat(20));
    let nested = format!(r#"{{"role":"user","content":[{block},{block}]}}"#);
    assert_eq!(texts(&format!("[{nested},{nested}]")), ["[", &nested, &format!(",{nested}"), "]"]);
    let long = format!(r#"{{"role":"user","content":[{}]}}"#, vec![&*block; 40].join(","));
    let parts = format!("[{long},{nested}]");
    let parts = texts(&parts);
    assert_eq!(parts[1], r#"{"role":"user","content":["#);
    assert_eq!(parts[2], block);
    assert_eq!(parts[parts.len() - 3..], ["]}", &format!(",{nested}"), "]"]);
}

/// The cuts of `a` that saw no more than the shared bytes are cuts of `b`.
fn check_shared_cuts(a: &[u8], b: &[u8], shared: usize) {
    let kept: Vec<_> = cuts(a)
        .into_iter()
        .take_while(|(at, cut)| cut.seen.is_some_and(|seen| at + seen <= shared))
        .collect();
    assert_eq!(cuts(b)[..kept.len()], kept);
}

#[test]
fn a_cut_knows_how_far_it_looked() {
    let a = format!(r#"{{"a":[ {}],"m":[{}]}}"#, conversation(3), conversation(2));
    for shared in 0..a.len() {
        for tail in ["", "1", "{", "]}", "x\\"] {
            let b = [&a[..shared], tail].concat();
            check_shared_cuts(a.as_bytes(), b.as_bytes(), shared);
        }
    }
}

#[test]
fn brackets_in_strings_are_text() {
    let tricky = format!(r#"{{"content":"}}]}}[{{\"\\","more":"{}"}}"#, "x".repeat(60));
    assert_eq!(texts(&format!("[{tricky},{tricky}]")), ["[", &tricky, &format!(",{tricky}"), "]"]);
}

#[test]
fn a_grown_conversation_adds_only_the_new_messages() {
    let mut log = Log::new();
    for n in 1..40 {
        log.add(&[1], format!("[{}]", conversation(n)).as_bytes());
    }
    assert_eq!(log.parts.0.len(), 39);
    let (list, _) = log.add(&[1], format!("[{}]", conversation(39)).as_bytes());
    assert!(list.len() <= 10, "a list of {} bytes", list.len());
}

#[test]
fn wrapped_and_unwrapped_conversations_share_their_messages() {
    let mut log = Log::new();
    log.add(&[1], format!("[{}]", conversation(20)).as_bytes());
    let before = log.parts.0.len();
    log.add(&[2], format!(r#"{{"messages":[{}]}}"#, conversation(20)).as_bytes());
    log.add(&[3], format!(r#"{{"input":{{"messages":[{}]}}}}"#, conversation(20)).as_bytes());
    log.add(&[4], message(7).as_bytes());
    log.add(&[5], format!(r#"{{"message":{}}}"#, message(8)).as_bytes());
    assert_eq!(log.parts.0.len(), before);
}

#[test]
fn a_change_inside_a_long_string_costs_a_few_parts() {
    let text: String = (0..6000u32).map(|i| format!("{} ", i.wrapping_mul(0x9e37_79b9))).collect();
    let escaped = format!(r#""[{{\"role\":\"user\",\"content\":\"{text}\"}}]""#);
    let changed = escaped.replacen("0 ", "zero ", 1);
    let mut log = Log::new();
    log.add(&[1], escaped.as_bytes());
    let before = log.parts.bytes();
    log.add(&[2], changed.as_bytes());
    assert!(log.parts.bytes() - before < 9000, "{} bytes", log.parts.bytes() - before);
}

#[test]
fn many_cuts_take_little_memory() {
    let mut log = Log::new();
    let payload = "[{}]".repeat(20_000);
    for _ in 0..2 {
        let (list, _) = log.add(&[1], payload.as_bytes());
        assert!(list.len() < 2 * payload.len());
        assert!(log.deduper.memory() < 4 * payload.len());
    }
}

#[test]
fn short_payloads_are_one_literal() {
    let mut log = Log::new();
    for payload in [&b""[..], b"true", &[b'x'; LITERAL_BYTES_MAX]] {
        log.add(&[1], payload);
    }
    assert!(log.parts.0.is_empty());
}

#[test]
fn a_reset_deduper_knows_nothing() {
    let mut log = Log::new();
    let payload = format!("[{}]", conversation(5));
    let (_, print) = log.add(&[1], payload.as_bytes());
    log.deduper.reset();
    log.parts.0.clear();
    assert_eq!(log.add(&[1], payload.as_bytes()).1, print);
    assert_eq!(log.parts.0.len(), 5);
}

#[test]
fn the_stream_table_keeps_to_its_bound() {
    let mut table = StreamTable::new(100_000);
    for i in 0..1000u64 {
        let bytes = vec![0; 1000 + (i as usize * 37) % 9000];
        table.put(i % 300, LastPayload { bytes, boundaries: Vec::new() });
        assert!(table.memory() <= 100_000);
        assert!(table.get(i % 300).is_some());
    }
    table.put(7, LastPayload { bytes: vec![0; 50_000], boundaries: Vec::new() });
    assert!(table.get(7).is_none());
    assert!(table.len() > 5);
    table.clear();
    assert_eq!((table.memory(), table.len()), (0, 0));
}

#[test]
fn the_part_table_finds_what_it_holds() {
    let mut table = PartTable::new();
    let hash = |i: u32| StoreKey([1; 32]).hash128(&i.to_le_bytes());
    (0..5000).for_each(|i| table.insert(hash(i), i));
    assert!((0..5000).all(|i| table.find(hash(i)) == Some(i)));
    assert_eq!((table.find(hash(5000)), table.len()), (None, 5000));
    table.clear();
    assert_eq!(table.find(hash(1)), None);
}

#[test]
fn the_part_table_grows_a_little_at_a_time() {
    let (mut table, mut most) = (PartTable::new(), 0);
    for i in 0..50_000u32 {
        let before = table.memory();
        table.insert(StoreKey([1; 32]).hash128(&i.to_le_bytes()), i);
        most = most.max(table.memory() - before);
    }
    assert!(most * 32 < table.memory(), "{most} of {} bytes at once", table.memory());
}

/// Bytes that look like conversations, more or less.
fn json_like() -> impl Strategy<Value = Vec<u8>> {
    let token = prop_oneof![
        6 => (0usize..12).prop_map(|i| message(i).into_bytes()),
        3 => prop::sample::select(vec![
            "[", "]", "{", "}", ",", "\"", "\\", ":", "[{", "}]", "{\"messages\":[", " ", "\\\"", "[[",
        ]).prop_map(|t| t.as_bytes().to_vec()),
        1 => (any::<u8>(), 0usize..6000).prop_map(|(b, n)| vec![b; n]),
        1 => vec(any::<u8>(), 0..5000),
        1 => "[a-z \"]{0,300}".prop_map(String::into_bytes),
    ];
    vec(token, 0..30).prop_map(|tokens| tokens.concat())
}

fn any_bytes() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![json_like(), vec(any::<u8>(), 0..20_000)]
}

fn item_list() -> impl Strategy<Value = Vec<(bool, u32, Vec<u8>)>> {
    vec((any::<bool>(), prop_oneof![0u32..20, any::<u32>()], vec(any::<u8>(), 0..80)), 0..40)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_bytes_come_back(payload in any_bytes()) {
        cuts(&payload);
        Log::new().add(&[1], &payload);
    }

    #[test]
    fn a_cut_depends_on_no_more_than_it_saw(a in any_bytes(), tail in any_bytes(), at in any::<prop::sample::Index>()) {
        let shared = at.index(a.len() + 1);
        check_shared_cuts(&a, &[&a[..shared], &tail].concat(), shared);
    }

    #[test]
    fn the_last_payload_saves_work_and_changes_nothing(
        payloads in vec((0u64..3, json_like(), any::<prop::sample::Index>()), 1..8)
    ) {
        let (mut with, mut without) = (Log::new(), Log::new());
        let mut last = Vec::new();
        for (stream, tail, at) in payloads {
            let payload = [&last[..at.index(last.len() + 1)], &tail].concat();
            prop_assert_eq!(with.add(&[stream, 1, 2], &payload), without.add(&[], &payload));
            last = payload;
        }
        prop_assert_eq!(with.parts.0, without.parts.0);
    }

    #[test]
    fn a_print_does_not_depend_on_the_cuts(bytes in vec(any::<u8>(), 0..500), at in any::<prop::sample::Index>()) {
        let key = PrintKey::new(&StoreKey([5; 32]));
        let whole = key.print(&bytes);
        let (a, b) = bytes.split_at(at.index(bytes.len() + 1));
        prop_assert_eq!(key.join(key.print(a), key.print(b)), whole);
        prop_assert_eq!(key.join(Print::default(), whole), whole);
        let mut longer = bytes.clone();
        longer.insert(0, 0);
        prop_assert_ne!(key.finish(key.print(&longer)), key.finish(whole));
        if let Some(first) = longer.get_mut(1) {
            *first ^= 1;
            prop_assert_ne!(key.print(&longer).hash, whole.hash);
        }
    }

    #[test]
    fn lists_come_back(pushed in item_list()) {
        let mut builder = ListBuilder::new();
        for (literal, part, bytes) in &pushed {
            let separator = if part & 1 == 1 { Separator::Comma } else { Separator::None };
            if *literal { builder.push_literal(bytes) } else { builder.push_part(separator, part / 2) }
        }
        let mut bytes = Vec::new();
        builder.encode(&mut bytes);
        let decoded: Vec<_> = items(&bytes, u32::MAX).map(Result::unwrap).collect();
        prop_assert_eq!(&decoded, &builder.items().collect::<Vec<_>>());
        let mut flat = Vec::new();
        for item in decoded {
            match item {
                Item::Literal(bytes) => {
                    prop_assert!(!bytes.is_empty() && bytes.len() <= LITERAL_BYTES_MAX);
                    flat.extend(bytes.iter().map(|b| (Separator::None, u64::from(*b) << 32)));
                }
                Item::Run { first, count, separator } => {
                    flat.extend((first..first + count).map(|p| (separator, u64::from(p))));
                }
            }
        }
        let wanted: Vec<_> = pushed.iter().flat_map(|(literal, part, bytes)| {
            if *literal {
                bytes.iter().map(|b| (Separator::None, u64::from(*b) << 32)).collect::<Vec<_>>()
            } else {
                let separator = if part & 1 == 1 { Separator::Comma } else { Separator::None };
                vec![(separator, u64::from(part / 2))]
            }
        }).collect();
        prop_assert_eq!(flat, wanted);
    }

    #[test]
    fn hostile_lists_end_in_a_fault(bytes in vec(any::<u8>(), 0..200), parts in 0u32..300) {
        let mut faults = 0;
        for item in items(&bytes, parts) {
            match item {
                Ok(Item::Run { first, count, .. }) => prop_assert!(count > 0 && first + count <= parts),
                Ok(Item::Literal(literal)) => prop_assert!(literal.len() <= bytes.len()),
                Err(_) => faults += 1,
            }
        }
        prop_assert!(faults <= 1);
    }
}
