//! One figure, and how figures are shown.

use serde_json::{Map, Value, json};

/// One figure.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Figure {
    /// Lower-case words joined by dashes.
    pub(crate) name: String,
    pub(crate) value: u64,
    /// What is counted.
    pub(crate) unit: String,
}

impl Figure {
    pub(crate) fn new(name: &str, value: u64, unit: &str) -> Figure {
        Figure {
            name: name.into(),
            value,
            unit: unit.into(),
        }
    }

    /// Reads a line `figure NAME VALUE UNIT` of a bench image; other lines are none.
    pub(crate) fn parse(line: &str) -> Option<Figure> {
        let mut words = line.trim().strip_prefix("figure ")?.split_whitespace();
        let (name, value) = (words.next()?, words.next()?.parse().ok()?);
        let unit = words.collect::<Vec<_>>().join(" ");
        (!unit.is_empty()).then(|| Figure::new(name, value, &unit))
    }
}

/// A number with its thousands apart.
pub(super) fn readable(value: u64) -> String {
    let digits = value.to_string();
    let mut readable = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            readable.push(',');
        }
        readable.push(digit);
    }
    readable
}

/// The figures as one JSON object: name to value and unit.
pub(crate) fn to_json(figures: &[Figure]) -> Value {
    let entry = |figure: &Figure| {
        let content = json!({ "value": figure.value, "unit": figure.unit });
        (figure.name.clone(), content)
    };
    Value::Object(figures.iter().map(entry).collect::<Map<_, _>>())
}

/// The figures as a table for people.
pub(crate) fn to_table(figures: &[Figure]) -> String {
    let width = figures.iter().map(|figure| figure.name.len()).max();
    let width = width.unwrap_or(0);
    let row = |figure: &Figure| {
        format!(
            "{:width$} {:>16} {}\n",
            figure.name,
            readable(figure.value),
            figure.unit
        )
    };
    figures.iter().map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_bench_images_are_read() {
        assert_eq!(
            Figure::parse("figure call-one-way 212 instructions\r"),
            Some(Figure::new("call-one-way", 212, "instructions"))
        );
        assert_eq!(Figure::parse("figure call-one-way fast"), None);
        assert_eq!(Figure::parse("figure call-one-way 212"), None);
        assert_eq!(Figure::parse("a figure x 1 y"), None);
    }

    #[test]
    fn thousands_are_apart() {
        assert_eq!(readable(999), "999");
        assert_eq!(readable(1000), "1,000");
        assert_eq!(readable(12_345_678), "12,345,678");
    }
}
