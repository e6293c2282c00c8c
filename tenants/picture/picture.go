package picture

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"image"
	"image/jpeg"
	"image/png"
	"strings"
)

const (
	// MaxUpload is how large a file may be that somebody uploads.
	MaxUpload = 4 << 20
	// maxKept is how large a picture may be as it is kept: one message of the queues.
	maxKept = 900 << 10
	// maxPixels bounds the memory that decoding takes: eight bytes each at worst. It is a screen of 4K with room to spare.
	maxPixels = 9_000_000
	// quality of what is kept as JPEG.
	quality = 88
	// nameBytes of the hash are a name.
	nameBytes = 16
	// kindBytes is what stands before the picture in the bucket.
	kindBytes = 1
)

// What is wrong with a file.
var (
	ErrFormat   = errors.New("picture: neither PNG nor JPEG")
	ErrTooLarge = errors.New("picture: too large")
)

// Picture is one picture as it is kept.
type Picture struct {
	Name string
	Type string // "image/png" or "image/jpeg"
	Data []byte // shared: never change it
}

const (
	pngType  = "image/png"
	jpegType = "image/jpeg"
)

// IsName says whether a text can be the name of a picture.
func IsName(text string) bool {
	_, err := hex.DecodeString(text)
	return err == nil && len(text) == 2*nameBytes && text == strings.ToLower(text)
}

// redraw reads a file and writes its pixels anew, so that nothing but pixels is left of it.
func redraw(data []byte) (Picture, error) {
	if len(data) > MaxUpload {
		return Picture{}, fmt.Errorf("%w: %d bytes, at most %d are read", ErrTooLarge, len(data), MaxUpload)
	}
	config, format, err := image.DecodeConfig(bytes.NewReader(data))
	if err != nil || format != "png" && format != "jpeg" {
		return Picture{}, ErrFormat
	}
	if config.Width < 1 || config.Height < 1 || config.Width > maxPixels/config.Height {
		return Picture{}, fmt.Errorf("%w: %d by %d pixels, at most %d together are read", ErrTooLarge, config.Width, config.Height, maxPixels)
	}
	pixels, _, err := image.Decode(bytes.NewReader(data))
	if err != nil {
		return Picture{}, ErrFormat
	}
	var out bytes.Buffer
	kind := jpegType
	if format == "png" {
		kind = pngType
		err = png.Encode(&out, pixels)
	} else {
		err = jpeg.Encode(&out, pixels, &jpeg.Options{Quality: quality})
	}
	if err != nil {
		return Picture{}, ErrFormat
	}
	if out.Len() > maxKept {
		return Picture{}, fmt.Errorf("%w: %d bytes as it would be kept, at most %d fit", ErrTooLarge, out.Len(), maxKept)
	}
	sum := sha256.Sum256(out.Bytes())
	return Picture{Name: hex.EncodeToString(sum[:nameBytes]), Type: kind, Data: out.Bytes()}, nil
}

// encode is the picture as it stands in the bucket: a letter for its type, and itself.
func (p Picture) encode() []byte {
	kind := byte('j')
	if p.Type == pngType {
		kind = 'p'
	}
	return append([]byte{kind}, p.Data...)
}

func decode(name string, kept []byte) (Picture, error) {
	if len(kept) < kindBytes {
		return Picture{}, ErrMissing
	}
	p := Picture{Name: name, Type: jpegType, Data: kept[kindBytes:]}
	if kept[0] == 'p' {
		p.Type = pngType
	}
	return p, nil
}
