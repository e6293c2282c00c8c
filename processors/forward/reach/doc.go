// Package reach makes one attempt to hand a message to a destination: a signed request to a webhook, a line to a
// Slack-compatible webhook, an e-mail. It knows the forms in which these want it, and what their answers mean.
//
// Contract.
//
//   - One attempt, and no more: whoever calls decides whether and when there is another. It ends within Timeout, or with
//     its context, and never reads more than 64 KiB of an answer.
//   - A webhook gets the message's body as it is, with the headers of Standard Webhooks: webhook-id, which is the same in
//     every attempt and serves as Idempotency-Key too, webhook-timestamp, and webhook-signature, one for each key.
//   - Only addresses that its outbound.Guard allows are connected to; redirects are answers like any other.
//   - What is put into an e-mail cannot add a header, a recipient or a part: control characters are taken out of its
//     subject, its recipients were checked one by one, its text is a single encoded part.
//   - An attempt that failed is an *Error, whose Cause is one stable word, so that failures can be grouped, and whose Final
//     says that the same message would be refused again: answers 300 to 499 but 408, 425 and 429, and 5xx of a mail server.
//   - A Reacher may be used concurrently.
package reach
