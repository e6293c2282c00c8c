// Package seal keeps secrets that the control log must be able to give back (the signing key of a webhook, the client
// secret of an identity provider) unreadable in it. It owns the master keys of an installation and the form of what is
// sealed under them.
//
// Contract.
//
//   - A Sealed says which master key opens it, and opens only at the place that it was sealed for: the same tenant, thing
//     and field. A sealed value that was copied to another place, or changed in one bit, gives ErrSealed. What is sealed
//     shows nothing of the secret but its length.
//   - A key file holds one key a line: the first one seals, every one opens. To rotate, put a new line on top and keep the
//     old ones for as long as anything is sealed under them.
//   - A Ring never changes; its methods may be called concurrently and do no I/O.
//   - A key that is missing is named: *KeyError says which one is needed and which ones are there. There is no way back
//     from a lost key: what was sealed under it has to be typed in again.
//   - Copies of the program that share a control log need the same key file.
package seal
