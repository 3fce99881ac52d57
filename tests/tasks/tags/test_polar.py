import torch

from fedbragg.tasks.tags.polar import SheetReader


def test_the_sheet_closes_around_the_azimuth() -> None:
    torch.manual_seed(0)
    reader, sheet = SheetReader(5).eval(), torch.rand(1, 5, 128, 64)
    torch.testing.assert_close(reader(sheet), reader(sheet.roll(8, dims=3)), atol=1e-4, rtol=1e-4)
