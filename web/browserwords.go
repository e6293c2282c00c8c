package web

import "strings"

// browserWords says in words what a browser says about itself. The order matters: most claim to be several others.
func browserWords(agent string) string {
	name := firstOf(agent, [][2]string{
		{"Edg/", "Edge"}, {"EdgiOS/", "Edge"}, {"EdgA/", "Edge"}, {"OPR/", "Opera"}, {"SamsungBrowser/", "Samsung Internet"}, {"Firefox/", "Firefox"}, {"FxiOS/", "Firefox"},
		{"CriOS/", "Chrome"}, {"HeadlessChrome/", "Chrome without a window"}, {"Chrome/", "Chrome"}, {"Version/", "Safari"}, {"curl/", "curl"},
	})
	system := firstOf(agent, [][2]string{
		{"iPhone", "an iPhone"}, {"iPad", "an iPad"}, {"Android", "Android"}, {"CrOS", "ChromeOS"}, {"Windows", "Windows"}, {"Mac OS X", "a Mac"}, {"Linux", "Linux"},
	})
	switch {
	case name == "" && system == "":
		return "Unknown browser"
	case system == "":
		return name
	case name == "":
		return "A browser on " + system
	}
	return name + " on " + system
}

// firstOf returns the word of the first mark that is in the text.
func firstOf(text string, marks [][2]string) string {
	for _, mark := range marks {
		if strings.Contains(text, mark[0]) {
			return mark[1]
		}
	}
	return ""
}
