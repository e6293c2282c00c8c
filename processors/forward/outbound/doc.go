// Package outbound decides which addresses a connection that a tenant asks for may lead to. It owns the list of networks
// that are not the public Internet, and the HTTP transport that every such request must use.
//
// Contract.
//
//   - The decision is made on the address that is about to be connected to, after the name was resolved and for each
//     address that it has: a name that answers differently the second time, an address written in another form, and one
//     that hides an IPv4 address in an IPv6 one gain nothing.
//   - What is not public is refused, unless it lies in a network that the operator allowed: private, loopback, link-local
//     (where clouds keep their metadata), shared, reserved, multicast and unspecified addresses, and the IPv6 networks
//     that are tunnels to IPv4. Of IPv6 only what is assigned as global unicast is public.
//   - Without TLS only networks that the operator allowed are reached.
//   - No proxy of the environment is used and no redirect followed: either would connect to something that was not checked.
//   - A Guard never changes; its methods may be called concurrently.
package outbound
