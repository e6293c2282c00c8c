package picture

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"testing"

	"longwave/ingest/natsd/natstest"
	"longwave/tenants/id"
)

// drawing is a small picture; other shades make other pictures.
func drawing(t *testing.T, shade uint8) []byte {
	t.Helper()
	pixels := image.NewGray(image.Rect(0, 0, 8, 6))
	pixels.SetGray(3, 3, color.Gray{Y: shade})
	var out bytes.Buffer
	if err := png.Encode(&out, pixels); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestOnlyPixelsAreKept(t *testing.T) {
	const smuggled = "<script>alert(1)</script>"
	var photo bytes.Buffer
	if err := jpeg.Encode(&photo, image.NewGray(image.Rect(0, 0, 8, 8)), nil); err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{"png": append(drawing(t, 1), smuggled...), "jpeg": append(photo.Bytes(), smuggled...)} {
		made, err := redraw(data)
		if err != nil || made.Type != "image/"+name || bytes.Contains(made.Data, []byte("script")) || !IsName(made.Name) {
			t.Errorf("%s: %v, %d bytes as %s under %s", name, err, len(made.Data), made.Type, made.Name)
		}
	}
	for name, data := range map[string][]byte{"empty": nil, "svg": []byte(`<svg xmlns="http://www.w3.org/2000/svg"/>`), "gif": []byte("GIF89a\x01\x00\x01\x00\x00\x00\x00;"), "cut": drawing(t, 1)[:40]} {
		if _, err := redraw(data); !errors.Is(err, ErrFormat) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestHugePicturesAreRefusedUnread claims more pixels than fit: nothing must be decoded of that.
func TestHugePicturesAreRefusedUnread(t *testing.T) {
	data := drawing(t, 1)
	binary.BigEndian.PutUint32(data[16:], 60_000)
	binary.BigEndian.PutUint32(data[20:], 60_000)
	binary.BigEndian.PutUint32(data[29:], crc32.ChecksumIEEE(data[12:29]))
	if _, err := redraw(data); !errors.Is(err, ErrTooLarge) {
		t.Errorf("60,000 by 60,000: %v", err)
	}
	if _, err := redraw(make([]byte, MaxUpload+1)); !errors.Is(err, ErrTooLarge) {
		t.Errorf("a large file: %v", err)
	}
}

func TestPicturesOfTwoTenants(t *testing.T) {
	_, _, js := natstest.Start(t)
	s, err := Open(t.Context(), Options{JS: js})
	if err != nil {
		t.Fatal(err)
	}
	const north, south id.Tenant = "t-north", "t-south"
	nobody := func(string) bool { return false }
	first, err := s.Put(t.Context(), north, drawing(t, 0), nobody)
	if err != nil {
		t.Fatal(err)
	}
	again, err := s.Put(t.Context(), north, drawing(t, 0), nobody)
	if err != nil || again.Name != first.Name {
		t.Errorf("the same again is %s: %v", again.Name, err)
	}
	if got, err := s.Get(t.Context(), north, first.Name); err != nil || !bytes.Equal(got.Data, first.Data) || got.Type != pngType {
		t.Errorf("read as %s: %v", got.Type, err)
	}
	for tenant, name := range map[id.Tenant]string{south: first.Name, north: "../" + string(south)} {
		if _, err := s.Get(t.Context(), tenant, name); !errors.Is(err, ErrMissing) {
			t.Errorf("%s of %s: %v", name, tenant, err)
		}
	}
	keep := func(name string) bool { return name == first.Name }
	for shade := range Most + 3 {
		if _, err := s.Put(t.Context(), north, drawing(t, uint8(shade)), keep); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.Get(t.Context(), north, first.Name); err != nil {
		t.Errorf("the one that is used: %v", err)
	}
	if _, err := s.Put(t.Context(), north, drawing(t, 200), func(string) bool { return true }); !errors.Is(err, ErrFull) {
		t.Errorf("one more than fit: %v", err)
	}
}
