"""The class of a program that acts of the ORM work with."""

from __future__ import annotations

from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class ItemBase(DeclarativeBase):
    """The base of the program's classes."""


class Item(ItemBase):
    """A row of `items`."""

    __tablename__ = "items"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
