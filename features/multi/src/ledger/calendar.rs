//! When the replenish bucket is due, by the calendar in UTC. Pure: no clock, no rows.
//!
//! The boundaries form a chain: each is one period after the one before it, not after the moment
//! somebody looked. A month that is too short for the day takes its last day, and the chain goes
//! on from there: 31 January, 28 February, 28 March.

use chrono::{DateTime, Months};
use serde::{Deserialize, Serialize};

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// How often the replenish bucket is reset; the setting `tenant_credit_replenish_period`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Period {
    /// Never.
    #[default]
    Off,
    /// After 24 hours.
    Daily,
    /// After seven times 24 hours.
    Weekly,
    /// After a calendar month.
    Monthly,
}

impl Period {
    /// The boundary after `last_ms` (epoch milliseconds); `None` where there is none: the period
    /// is off, nothing was ever refilled (`None`, or 0 as the earlier system wrote it), or the
    /// calendar ends.
    pub fn next_after(self, last_ms: Option<i64>) -> Option<i64> {
        let last_ms = last_ms.filter(|last| *last != 0)?;
        match self {
            Period::Off => None,
            Period::Daily => last_ms.checked_add(DAY_MS),
            Period::Weekly => last_ms.checked_add(7 * DAY_MS),
            Period::Monthly => DateTime::from_timestamp_millis(last_ms)?
                .checked_add_months(Months::new(1))
                .map(|next| next.timestamp_millis()),
        }
    }

    /// The latest boundary of the chain after `last_ms` that `now_ms` has reached; `None` where
    /// not even the first one is. A clock that was moved backwards reaches none.
    pub fn latest_reached(self, last_ms: Option<i64>, now_ms: i64) -> Option<i64> {
        let first = self.next_after(last_ms).filter(|next| *next <= now_ms)?;
        let fixed = match self {
            Period::Off => return None,
            Period::Daily => DAY_MS,
            Period::Weekly => 7 * DAY_MS,
            Period::Monthly => {
                // Twelve steps for a year of absence: cheaper than a formula that somebody must
                // trust.
                let mut latest = first;
                while let Some(next) = self.next_after(Some(latest)).filter(|next| *next <= now_ms)
                {
                    latest = next;
                }
                return Some(latest);
            }
        };
        Some(first + (now_ms.checked_sub(first)? / fixed) * fixed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(text: &str) -> i64 {
        DateTime::parse_from_rfc3339(text).unwrap().timestamp_millis()
    }

    #[test]
    fn the_next_boundary_is_one_period_on_and_a_short_month_takes_its_last_day() {
        for (period, last, next) in [
            (Period::Daily, "2026-03-28T23:30:00.250Z", "2026-03-29T23:30:00.250Z"),
            // Clocks in Europe go forward that night; UTC has no such night.
            (Period::Weekly, "2026-03-28T23:30:00Z", "2026-04-04T23:30:00Z"),
            (Period::Weekly, "2026-12-28T00:00:00Z", "2027-01-04T00:00:00Z"),
            (Period::Monthly, "2026-01-15T08:09:10.011Z", "2026-02-15T08:09:10.011Z"),
            (Period::Monthly, "2026-01-28T00:00:00Z", "2026-02-28T00:00:00Z"),
            (Period::Monthly, "2026-01-29T00:00:00Z", "2026-02-28T00:00:00Z"),
            (Period::Monthly, "2026-01-31T00:00:00Z", "2026-02-28T00:00:00Z"),
            (Period::Monthly, "2026-02-28T00:00:00Z", "2026-03-28T00:00:00Z"),
            (Period::Monthly, "2028-01-31T23:59:59.999Z", "2028-02-29T23:59:59.999Z"),
            (Period::Monthly, "2028-01-30T00:00:00Z", "2028-02-29T00:00:00Z"),
            (Period::Monthly, "2028-02-29T00:00:00Z", "2028-03-29T00:00:00Z"),
            (Period::Monthly, "2100-01-31T00:00:00Z", "2100-02-28T00:00:00Z"),
            (Period::Monthly, "2000-01-31T00:00:00Z", "2000-02-29T00:00:00Z"),
            (Period::Monthly, "2026-03-31T00:00:00Z", "2026-04-30T00:00:00Z"),
            (Period::Monthly, "2026-12-31T12:00:00Z", "2027-01-31T12:00:00Z"),
            (Period::Monthly, "2038-01-19T03:14:07Z", "2038-02-19T03:14:07Z"),
            (Period::Monthly, "1969-12-31T00:00:00Z", "1970-01-31T00:00:00Z"),
        ] {
            assert_eq!(period.next_after(Some(ms(last))), Some(ms(next)), "{period:?} {last}");
        }
    }

    #[test]
    fn nothing_is_due_without_a_period_or_a_last_refill_or_beyond_the_calendar() {
        let now = ms("2026-11-26T00:00:00Z");
        for (period, last) in [
            (Period::Off, Some(ms("2020-01-01T00:00:00Z"))),
            (Period::Daily, None),
            (Period::Daily, Some(0)),
            (Period::Monthly, None),
            (Period::Monthly, Some(0)),
            (Period::Daily, Some(i64::MAX)),
            (Period::Weekly, Some(i64::MAX - 1)),
            (Period::Monthly, Some(i64::MAX)),
            (Period::Monthly, Some(i64::MIN)),
        ] {
            assert_eq!(period.latest_reached(last, now), None, "{period:?} {last:?}");
        }
    }

    #[test]
    fn a_boundary_is_reached_in_its_own_millisecond_and_not_one_before() {
        let last = ms("2026-01-31T06:00:00Z");
        for period in [Period::Daily, Period::Weekly, Period::Monthly] {
            let next = period.next_after(Some(last)).unwrap();
            assert_eq!(period.latest_reached(Some(last), next - 1), None);
            assert_eq!(period.latest_reached(Some(last), next), Some(next));
            assert_eq!(period.latest_reached(Some(last), next + 1), Some(next));
        }
    }

    #[test]
    fn a_clock_behind_the_last_refill_reaches_nothing() {
        let last = ms("2036-11-26T00:00:00Z");
        for period in [Period::Daily, Period::Weekly, Period::Monthly] {
            for now in ["2026-11-26T00:00:00Z", "2036-11-25T23:59:59.999Z", "1970-01-01T00:00:00Z"]
            {
                assert_eq!(period.latest_reached(Some(last), ms(now)), None, "{period:?} {now}");
            }
            assert_eq!(period.latest_reached(Some(last), i64::MIN), None);
        }
    }

    #[test]
    fn after_idle_time_the_date_is_the_latest_boundary_of_the_chain() {
        for (period, last, now, latest) in [
            (
                Period::Daily,
                "2026-01-01T06:00:00Z",
                "2026-01-09T05:59:59.999Z",
                "2026-01-08T06:00:00Z",
            ),
            (Period::Daily, "2016-02-28T06:00:00Z", "2026-11-26T22:00:00Z", "2026-11-26T06:00:00Z"),
            (
                Period::Weekly,
                "2026-01-01T06:00:00Z",
                "2026-01-29T06:00:00Z",
                "2026-01-29T06:00:00Z",
            ),
            (
                Period::Weekly,
                "2026-01-01T06:00:00Z",
                "2026-01-29T05:59:00Z",
                "2026-01-22T06:00:00Z",
            ),
            // The clamp stays: the 28th from February on, never again the 31st.
            (
                Period::Monthly,
                "2026-01-31T00:00:00Z",
                "2026-05-30T00:00:00Z",
                "2026-05-28T00:00:00Z",
            ),
            (
                Period::Monthly,
                "2026-01-31T00:00:00Z",
                "2026-03-31T00:00:00Z",
                "2026-03-28T00:00:00Z",
            ),
            (
                Period::Monthly,
                "2028-01-31T00:00:00Z",
                "2029-03-15T00:00:00Z",
                "2029-02-28T00:00:00Z",
            ),
            (
                Period::Monthly,
                "2028-02-29T00:00:00Z",
                "2029-02-28T00:00:00Z",
                "2029-02-28T00:00:00Z",
            ),
            (
                Period::Monthly,
                "2028-02-29T00:00:00Z",
                "2029-03-28T12:00:00Z",
                "2029-03-28T00:00:00Z",
            ),
            (
                Period::Monthly,
                "2016-08-31T00:00:00Z",
                "2026-08-27T00:00:00Z",
                "2026-07-28T00:00:00Z",
            ),
        ] {
            let reached = period.latest_reached(Some(ms(last)), ms(now));
            assert_eq!(reached, Some(ms(latest)), "{period:?} {last} {now}");
        }
    }

    #[test]
    fn long_absence_ends_where_single_steps_end() {
        for period in [Period::Daily, Period::Weekly, Period::Monthly] {
            for start in
                ["2023-10-31T01:02:03.004Z", "2024-02-29T00:00:00Z", "2025-01-30T23:59:59Z"]
            {
                let (mut last, mut idle) = (ms(start), ms(start));
                for day in 0..1500 {
                    let now = ms(start) + day * DAY_MS + 5_000_000;
                    while let Some(next) = period.next_after(Some(last)).filter(|next| *next <= now)
                    {
                        last = next;
                    }
                    assert_eq!(
                        period.latest_reached(Some(ms(start)), now).unwrap_or(ms(start)),
                        last
                    );
                    if day % 37 == 0 {
                        // Looking now and then makes no other chain.
                        idle = period.latest_reached(Some(idle), now).unwrap_or(idle);
                        assert_eq!(idle, last);
                    }
                }
            }
        }
    }
}
