"""A picture as anybody may send it, made into a small one of ours: only pixels survive."""

from __future__ import annotations

from io import BytesIO

from PIL import Image, ImageOps, UnidentifiedImageError

from snapshots.picture_names import AVATAR
from tikdash.errors import TikdashError

#: Twice the largest avatar and more than the largest cover on a page, in pixels, for screens with fine pixels.
AVATAR_SIDE = 160
COVER_SIZE = (240, 426)
QUALITY = 80
#: Decoded, a pixel takes three or four bytes: what is tiny on the wire may be huge in memory.
MOST_PIXELS = 12_000_000
#: What TikTok's servers send. Pillow knows forty formats; each is code that strangers could reach.
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "AVIF")


class NotAPictureError(TikdashError):
    """The bytes are no picture that we show."""

    code = "not_a_picture"
    status = 502
    message = "This is no picture."


def small_picture(data: bytes, kind: str) -> bytes:
    """The first frame of a picture as a small WebP: an avatar cropped to a square, a cover within `COVER_SIZE`.

    Nothing is enlarged; EXIF, profiles and comments are left out. Raises NotAPictureError; the content decides,
    whatever a header said.
    """
    try:
        with Image.open(BytesIO(data), formats=FORMATS) as image:
            if image.width * image.height > MOST_PIXELS:
                raise NotAPictureError(f"A picture of {image.width}×{image.height} is too large.")
            # JPEGs are decoded at a fraction of their size where that is enough.
            image.draft("RGB", (2 * COVER_SIZE[0], 2 * COVER_SIZE[1]))
            upright = ImageOps.exif_transpose(image)
            has_alpha = upright.has_transparency_data
            return _encoded(_fitted(upright.convert("RGBA" if has_alpha else "RGB"), kind))
    except (UnidentifiedImageError, Image.DecompressionBombError):
        raise NotAPictureError from None
    except (OSError, SyntaxError, ValueError, EOFError, MemoryError, OverflowError) as error:
        # Damaged files break decoders in many ways.
        raise NotAPictureError(f"The picture is damaged: {type(error).__name__}.") from None


def _fitted(image: Image.Image, kind: str) -> Image.Image:
    if kind == AVATAR:
        side = min(AVATAR_SIDE, image.width, image.height)
        return ImageOps.fit(image, (side, side), Image.Resampling.LANCZOS)
    image.thumbnail(COVER_SIZE, Image.Resampling.LANCZOS)
    return image


def _encoded(image: Image.Image) -> bytes:
    out = BytesIO()
    image.save(out, "WEBP", quality=QUALITY, method=4)
    return out.getvalue()
