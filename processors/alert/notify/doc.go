// Package notify tells people of alerts: when, whom, and why or why not. It decides from the log of alerts, the rules and the
// silences, sends through the queues of destinations, and writes every decision into the same log.
//
// Contract.
//
//   - Decide is pure: what is due for an alert follows from the alert with the notices in it, its rule, the silences and the
//     time. So a restart repeats nothing: what was decided stands in the log.
//   - A message is queued first and its notice written then. When the program dies between the two, the same message is
//     queued again with the same id, which the queue knows for minutes and destinations for longer.
//   - Nobody is told of an alert of a rule in shadow mode, of one that was over or old before it became known, or while it is silenced or
//     snoozed; the notice says so. When the silence or snooze ends and the alert still fires, the message is sent after
//     all. Whoever acknowledges ends the escalation and the repetitions. Whoever was told that it began is told that it ended.
//   - Alerts that belong together (see alertrule.GroupBy) share messages: the first goes out at once, what follows within
//     groupWait waits for the next one. So a thousand devices that fall silent are two messages.
//   - What stands in a message is text: placeholders are a fixed list, values are put in once and never looked at again, and what
//     has a meaning for a channel is escaped by whoever speaks that channel. No text becomes a header.
//   - A link acts on one alert, in one way, until it expires; it is sealed under the master key and says nothing else.
//   - NATS slow or away: tried again with back-off. A destination that is gone, disabled or full is a notice, and not tried again.
//
// A Notifier's Run may be called again after it has returned, and at most once at a time; it returns when its context ends. Links may be
// used concurrently.
package notify
