//! The disk below, through its server: requests in flight and their places in the data areas.

use alloc::vec::Vec;
use core::{
    cell::{Cell, RefCell},
    future::{Future, poll_fn},
    task::{Poll, Waker},
};

use block_api::{
    BLOCK_SIZE, Completion, Geometry, MAX_BLOCKS, Operation, Outcome, QUEUE_LENGTH, Refusal,
    Request,
};
use disk_crypto_core::{BlockDevice, DeviceError, tasks::block_on};
use runtime::{
    Notification,
    shared_memory::{Channel, Memory, OpenError, Receiver, RegionReader, RegionWriter, Sender},
};

/// Bytes of a place in the data areas.
const PLACE_SIZE: usize = MAX_BLOCKS as usize * BLOCK_SIZE;

/// What is known of a place.
enum Place {
    Free,
    /// Its request is on the way; who waits for it.
    InFlight(Option<Waker>),
    Finished(Outcome),
}

/// What changes.
struct State {
    requests: Sender<Request>,
    completions: Receiver<Completion>,
    places: [Place; QUEUE_LENGTH],
    waiting_for_place: Vec<Waker>,
    /// The server broke the rules of the channel: nothing it says counts any more.
    is_cut_off: bool,
}

/// The channel to the disk's server.
pub(crate) struct Disk {
    channel: Channel,
    output: RegionWriter,
    input: RegionReader,
    state: RefCell<State>,
    owes_signal: Cell<bool>,
    block_count: Cell<u64>,
}

impl Disk {
    pub(crate) fn open(memory: &Memory) -> Result<Self, OpenError> {
        let channel = Channel::open(memory, "disk")?;
        let state = State {
            requests: channel.sender(QUEUE_LENGTH)?,
            completions: channel.receiver(QUEUE_LENGTH)?,
            places: [const { Place::Free }; QUEUE_LENGTH],
            waiting_for_place: Vec::new(),
            is_cut_off: false,
        };
        Ok(Self {
            channel,
            output: channel.output_data::<Request>(QUEUE_LENGTH),
            input: channel.input_data::<Completion>(QUEUE_LENGTH),
            state: RefCell::new(state),
            owes_signal: Cell::new(false),
            block_count: Cell::new(0),
        })
    }

    /// Runs `future` to its end while nothing else is to be done.
    pub(crate) fn wait_for<T>(
        &self,
        notification: Notification,
        future: impl Future<Output = T>,
    ) -> T {
        let mut future = core::pin::pin!(future);
        block_on(poll_fn(|context| {
            let result = future.as_mut().poll(context);
            if result.is_pending() {
                let _ = notification.wake_and_wait(self.whom_to_wake());
                self.take_completions();
            }
            result
        }))
    }

    /// Asks how large the disk is.
    pub(crate) async fn ask_size(&self) -> Result<(), DeviceError> {
        let place = self.free_place().await;
        self.request(place, Operation::Geometry, 0, 0).await?;
        let mut record = [0; Geometry::SIZE];
        let read = self.input.read_at(place * PLACE_SIZE, &mut record);
        self.release(place);
        read.map_err(|_| DeviceError)?;
        self.block_count
            .set(Geometry::from_bytes(record).block_count.get());
        Ok(())
    }

    /// Takes what the server has finished and wakes who waits for it.
    pub(crate) fn take_completions(&self) {
        let mut state = self.state.borrow_mut();
        loop {
            match state.completions.pop() {
                Ok(Some(completion)) => state.finish(&completion),
                Ok(None) => return,
                Err(_) => return state.cut_off(),
            }
        }
    }

    /// The channel to be signalled, if there is anything new for the server. Answers once.
    pub(crate) fn whom_to_wake(&self) -> Option<&Channel> {
        self.owes_signal.take().then_some(&self.channel)
    }

    /// Waits for a place that no request uses; it is taken from now on.
    async fn free_place(&self) -> usize {
        poll_fn(|context| {
            let mut state = self.state.borrow_mut();
            let mut places = state.places.iter();
            let Some(free) = places.position(|place| matches!(place, Place::Free)) else {
                state.waiting_for_place.push(context.waker().clone());
                return Poll::Pending;
            };
            state.places[free] = Place::InFlight(None);
            Poll::Ready(free)
        })
        .await
    }

    fn release(&self, place: usize) {
        let mut state = self.state.borrow_mut();
        state.places[place] = Place::Free;
        if let Some(waiting) = state.waiting_for_place.pop() {
            waiting.wake();
        }
    }

    /// Sends the request of a place and waits for its end.
    async fn request(
        &self,
        place: usize,
        operation: Operation,
        block: u64,
        bytes: usize,
    ) -> Result<(), DeviceError> {
        // Places are few and data areas small, so these numbers fit.
        let number = |value: usize| u32::try_from(value).map_err(|_| DeviceError);
        let request = Request {
            block,
            id: number(place)?,
            operation: operation as u32,
            count: number(bytes / BLOCK_SIZE)?,
            data: number(place * PLACE_SIZE)?,
        };
        {
            let mut state = self.state.borrow_mut();
            if state.is_cut_off || state.requests.push(&request).is_err() {
                return Err(DeviceError);
            }
        }
        self.owes_signal.set(true);
        poll_fn(|context| self.state.borrow_mut().poll(place, context.waker()))
            .await
            .map_err(|_: Refusal| DeviceError)
    }

    /// A request with data, in a place of its own.
    async fn transfer(
        &self,
        operation: Operation,
        block: u64,
        data: Data<'_>,
    ) -> Result<(), DeviceError> {
        let length = data.length();
        if length > PLACE_SIZE {
            return Err(DeviceError);
        }
        let place = self.free_place().await;
        let offset = place * PLACE_SIZE;
        let mut result = match &data {
            Data::Out(bytes) => self.output.write_at(offset, bytes).map_err(|_| DeviceError),
            Data::In(_) => Ok(()),
        };
        if result.is_ok() {
            result = self.request(place, operation, block, length).await;
        }
        if let (Ok(()), Data::In(bytes)) = (result, data) {
            result = self.input.read_at(offset, bytes).map_err(|_| DeviceError);
        }
        self.release(place);
        result
    }
}

/// The data of a request.
enum Data<'a> {
    In(&'a mut [u8]),
    Out(&'a [u8]),
}

impl Data<'_> {
    fn length(&self) -> usize {
        match self {
            Self::In(bytes) => bytes.len(),
            Self::Out(bytes) => bytes.len(),
        }
    }
}

impl State {
    fn poll(&mut self, place: usize, waker: &Waker) -> Poll<Outcome> {
        match &mut self.places[place] {
            Place::Finished(outcome) => Poll::Ready(*outcome),
            Place::InFlight(waiting) => {
                *waiting = Some(waker.clone());
                Poll::Pending
            }
            Place::Free => Poll::Ready(Err(Refusal::InputOutput)),
        }
    }

    fn finish(&mut self, completion: &Completion) {
        let place = usize::try_from(completion.id).ok();
        let place = place.and_then(|place| self.places.get_mut(place));
        // A completion of nothing that is in flight changes nothing.
        if let Some(place @ Place::InFlight(_)) = place {
            let finished = core::mem::replace(place, Place::Finished(completion.outcome()));
            if let Place::InFlight(Some(waiting)) = finished {
                waiting.wake();
            }
        }
    }

    /// Fails everything that is in flight.
    fn cut_off(&mut self) {
        if !core::mem::replace(&mut self.is_cut_off, true) {
            runtime::println!("the disk's server broke the rules of its channel: the disk is gone");
        }
        for place in 0..QUEUE_LENGTH {
            let id = u32::try_from(place).unwrap_or(u32::MAX);
            self.finish(&Completion::new(id, Err(Refusal::InputOutput)));
        }
    }
}

impl BlockDevice for Disk {
    fn block_count(&self) -> u64 {
        self.block_count.get()
    }

    async fn read(&self, first: u64, data: &mut [u8]) -> Result<(), DeviceError> {
        self.transfer(Operation::Read, first, Data::In(data)).await
    }

    async fn write(&self, first: u64, data: &[u8]) -> Result<(), DeviceError> {
        self.transfer(Operation::Write, first, Data::Out(data))
            .await
    }

    async fn flush(&self) -> Result<(), DeviceError> {
        let place = self.free_place().await;
        let result = self.request(place, Operation::Flush, 0, 0).await;
        self.release(place);
        result
    }
}
