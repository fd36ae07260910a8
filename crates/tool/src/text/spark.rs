//! Small charts of one line.

const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// A bar for each value, a blank for each that is missing. The highest bar stands for `top`, or the largest value.
pub(crate) fn sparkline(values: &[Option<f64>], top: Option<f64>) -> String {
    let largest = values.iter().flatten().copied().fold(0.0, f64::max);
    let top = top.unwrap_or(largest);
    let height = |value: f64| {
        let step = if top > 0.0 { value / top * 7.0 } else { 0.0 };
        // Rounded half up, so that a half of the top is the fifth of eight bars.
        let step = usize::try_from(crate::text::numbers::whole((step + 0.5).floor())).unwrap_or(7);
        BARS.get(step.min(7)).copied().unwrap_or('█')
    };
    values.iter().map(|value| value.map_or(' ', height)).collect()
}

#[cfg(test)]
mod tests {
    use super::sparkline;

    #[test]
    fn bars_are_as_high_as_their_values() {
        assert_eq!(sparkline(&[Some(0.0), Some(1.0), None, Some(2.0)], None), "▁▅ █");
        assert_eq!(sparkline(&[Some(0.5), Some(1.0)], Some(1.0)), "▅█");
        assert_eq!(sparkline(&[Some(0.0), Some(0.0)], None), "▁▁");
        assert_eq!(sparkline(&[], None), "");
    }
}
