// Package web serves what a person sees: the pages, their forms, and the socket that keeps a page current.
//
// Contract. It owns every address under which a browser finds something, all of them in routes.go, each beside the
// permission that it needs; the session cookie; and the step from a session to a tenants.Principal, which every handler
// behind the sign-in receives as its third parameter. A tenant, device or key of somebody else is answered exactly like
// one that does not exist.
//
// A page is rendered into memory and then written, so an answer is whole or an error page. Nothing is changed by GET;
// a form posts, is refused when another site sent it, and ends in a redirect. What a person typed comes back with the
// reasons when it was wrong. Secrets that are shown once wait in memory for the redirect of the session that made them:
// bounded, for minutes, and gone when the process is; the page then offers to make a new one.
//
// A dashboard is an empty grid with its document beside it; the scripts draw it from answers of package widget, which are
// the same for everybody who may see it. What an editor sends is checked as a whole before anything of it is shown or saved,
// and refused when somebody else has saved since.
//
// Somebody who signed in at an identity provider is sent there again, unasked, when its word is older than recheckAfter, and
// is nobody once it is older than overdueAfter. A new password ends every other session of the person. Identity providers, keys and deletions want a proof of less than
// provedWithin. What a browser carries to a provider and back is sealed, so any copy of the program can take it; a provider
// that is being set up waits in the memory of one.
//
// Everything may be called concurrently. When each device last sent is read for all pages of a tenant together, and an
// answer is used for activityFor: a page may begin that much behind, and its socket corrects it. When the storage of readings is slow or dead, lists and pages still come, say
// that they do not know the newest values, and wait for it no longer than storageTimeout. When the control log or the
// sessions are dead, nobody can sign in or change anything and the pages say so.
package web
