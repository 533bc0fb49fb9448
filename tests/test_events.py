from hotspot.events import Bus, CatalogueChanged, ImportProgress, LocalEdit, UplinkChanged


async def test_a_listener_gets_what_it_asked_for_in_order() -> None:
    bus = Bus()
    with bus.listen(UplinkChanged, LocalEdit) as one, bus.listen(CatalogueChanged) as other:
        for event in (UplinkChanged(True), CatalogueChanged(), LocalEdit()):
            bus.publish(event)
        assert [await one.next(), await one.next()] == [UplinkChanged(True), LocalEdit()]
        assert await other.next() == CatalogueChanged()
        assert one.queue.empty()
        assert other.queue.empty()


async def test_nothing_is_kept_for_a_listener_that_has_gone() -> None:
    bus = Bus()
    with bus.listen(ImportProgress) as gone:
        pass
    bus.publish(ImportProgress("a", 1, 2))
    assert gone.queue.empty()
