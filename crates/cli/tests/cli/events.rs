/// The first trace.
pub(crate) const T1: &str = "0123456789abcdef0123456789abcdef";
/// The second: any text is an id.
pub(crate) const T2: &str = "run 7";
/// A generation of [`T1`].
pub(crate) const G: &str = "00000000000000a1";

/// Input of [`G`], with white space and numbers that a parser would not give back.
pub(crate) const INPUT: &str = r#"[ {"role":"user","content":"1.0e5 \u00e9\n"} , 1.50 ]"#;
pub(crate) const OUTPUT: &str = "{\"role\":\"assistant\",\"content\":\"\u{e9} done\"}";
pub(crate) const METADATA: &str = r#"{"b": 1,  "a":{"x":[1.0]}}"#;
/// Metadata of [`G`] after its update: keys of two records.
pub(crate) const MERGED: [&str; 3] = [r#""b":1"#, r#""a":{"x":[1.0]}"#, r#""c":"late""#];

fn event(second: u32, kind: &str, body: &str) -> String {
    format!(
        r#"{{"id":"e{second}-{kind}","timestamp":"2026-01-12T08:00:{second:02}.000Z","type":"{kind}","body":{{{body}}}}}"#
    )
}

/// Two traces, five observations, four scores, in arrival order; fourteen events.
pub(crate) fn events() -> Vec<String> {
    let root = "00000000000000a0";
    vec![
        event(
            0,
            "trace-create",
            &format!(
                r#""id":"{T1}","timestamp":"2026-01-12T08:00:00Z","name":"support","userId":"ann","sessionId":"s-1","tags":["red","blue"],"environment":"production","input":"hi","metadata":{{"k":1}}"#
            ),
        ),
        event(
            1,
            "agent-create",
            &format!(
                r#""id":"{root}","traceId":"{T1}","name":"run","startTime":"2026-01-12T08:00:00Z""#
            ),
        ),
        event(
            2,
            "generation-create",
            &format!(
                r#""id":"{G}","traceId":"{T1}","parentObservationId":"{root}","name":"plan","startTime":"2026-01-12T08:00:01Z","model":"gpt-5","input":{INPUT},"metadata":{METADATA},"usageDetails":{{"input":100,"output":20}},"costDetails":{{"total":0.00012}},"oddField":[1,2]"#
            ),
        ),
        event(
            3,
            "tool-create",
            &format!(
                r#""id":"00000000000000a2","traceId":"{T1}","parentObservationId":"{root}","name":"search","startTime":"2026-01-12T08:00:03Z","endTime":"2026-01-12T08:00:04Z","level":"ERROR","statusMessage":"timeout","output":"nothing""#
            ),
        ),
        event(
            5,
            "generation-update",
            &format!(
                r#""id":"{G}","traceId":"{T1}","endTime":"2026-01-12T08:00:02.500Z","output":{OUTPUT}"#
            ),
        ),
        event(
            6,
            "span-update",
            &format!(r#""id":"{root}","traceId":"{T1}","endTime":"2026-01-12T08:00:05Z""#),
        ),
        event(
            10,
            "trace-create",
            &format!(
                r#""id":"{T2}","timestamp":"2026-01-12T08:00:10Z","name":"batch","userId":"bob""#
            ),
        ),
        event(
            11,
            "span-create",
            &format!(
                r#""id":"first \u001b[31mred","traceId":"{T2}","parentObservationId":"never came","name":"a\nb","startTime":"2026-01-12T08:00:10Z""#
            ),
        ),
        event(
            12,
            "event-create",
            &format!(
                r#""id":"second","traceId":"{T2}","name":"tick","startTime":"2026-01-12T08:00:12Z""#
            ),
        ),
        event(
            20,
            "score-create",
            &format!(r#""id":"sc1","traceId":"{T1}","name":"quality","value":0.75"#),
        ),
        event(
            21,
            "score-create",
            &format!(
                r#""id":"sc2","traceId":"{T1}","observationId":"{G}","name":"tone","value":"friendly","comment":"well\nsaid""#
            ),
        ),
        event(
            22,
            "score-create",
            r#""id":"sc3","sessionId":"s-1","name":"solved","value":1,"dataType":"BOOLEAN""#,
        ),
        event(23, "score-create", r#""id":"sc4","traceId":"not here","name":"late","value":3"#),
        event(24, "sdk-log", r#""log":"hello""#),
    ]
}

/// Metadata of [`G`] that comes later, with a key of its own.
pub(crate) fn late_metadata() -> String {
    event(
        7,
        "generation-update",
        &format!(r#""id":"{G}","traceId":"{T1}","metadata":{{"c":"late"}}"#),
    )
}
